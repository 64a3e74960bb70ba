package tryton

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/crmkeep/crmkeep/internal/access"
)

// governing are the models whose rows say who may do what: whoever may write to one of them is an administrator.
var governing = []string{userModel, "res.user-res.group", "res.group", "ir.model.access", "ir.model.field.access", "ir.rule", "ir.rule.group"}

// Accounts implements access.Adapter.
//
// Nobody's last login is known: Tryton keeps when sessions began and when its own clients were last known again, but shows neither through
// its API, and a session that has ended is forgotten.
func (Adapter) Accounts(ctx context.Context, to access.Connection) ([]access.Account, error) {
	c, err := login(ctx, to)
	if err != nil {
		return nil, err
	}
	defer c.logout(ctx)
	var users []userRow
	if err := searchAll(ctx, c, userModel, true, []any{[]any{"id", "!=", rootID}}, &users, "login", "name", "active", "groups"); err != nil {
		return nil, err
	}
	administering, err := administrators(ctx, c)
	if err != nil {
		return nil, err
	}
	accounts := make([]access.Account, 0, len(users))
	for i := range users {
		user := &users[i]
		accounts = append(accounts, access.Account{Login: user.Login, DisplayName: user.Name, Active: user.Active,
			Administrator: administering.has(user.Groups)})
	}
	slices.SortFunc(accounts, func(a, b access.Account) int { return cmp.Compare(a.Login, b.Login) })
	return accounts, nil
}

// administration says which groups may change accounts or rights.
type administration struct {
	// everybody may.
	everybody bool
	groups    map[int]bool
}

func (a *administration) has(groups []int) bool {
	return a.everybody || slices.ContainsFunc(groups, func(id int) bool { return a.groups[id] })
}

// administrators finds the groups that may change accounts or rights: Tryton's own group for it, those with a row of the access table for a
// model that says who may do what, and those that have the rights of such a group.
func administrators(ctx context.Context, c *client) (*administration, error) {
	found := &administration{groups: map[int]bool{}}
	var rows []accessRow
	domain := []any{[]any{"model.model", "in", governing}}
	if err := searchAll(ctx, c, "ir.model.access", false, domain, &rows, append(permissions, "model.model", "group.name")...); err != nil {
		return nil, err
	}
	for _, row := range rows {
		switch {
		case !row.Write && !row.Create:
		case row.Group == nil:
			found.everybody = true
		default:
			found.groups[row.Group.ID] = true
		}
	}
	ids := map[any]int{}
	if err := lookUpData(ctx, c, adminGroup, ids); err != nil {
		return nil, err
	}
	if id, known := ids[adminGroup]; known {
		found.groups[id] = true
	}
	return found, found.inherit(ctx, c)
}

// inherit adds the groups below those that are ones already. What answers may be no Tryton, so nothing is expected of the groups' number or order.
func (a *administration) inherit(ctx context.Context, c *client) error {
	var groups []groupRow
	if err := searchAll(ctx, c, "res.group", true, []any{[]any{"parent", "!=", nil}}, &groups, "parent"); err != nil {
		return err
	}
	below := make(map[int][]int, len(groups))
	for _, group := range groups {
		if group.Parent != nil {
			below[*group.Parent] = append(below[*group.Parent], group.ID)
		}
	}
	for found := slices.Collect(maps.Keys(a.groups)); len(found) > 0; {
		parent := found[len(found)-1]
		found = found[:len(found)-1]
		for _, id := range below[parent] {
			if !a.groups[id] {
				a.groups[id] = true
				found = append(found, id)
			}
		}
	}
	return nil
}
