package nocobase

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
)

// diffAccounts brings the accounts of the plan's people to what is planned.
func diffAccounts(d *desired, o *observed) []change {
	surplus, missing := map[string][]member{}, map[string][]member{}
	var changes []change
	var kept []any
	there := map[string]bool{}
	people, _ := o.governed()
	for i := range o.Users {
		user := &o.Users[i]
		login := d.planned(user)
		if login == "" {
			continue
		}
		there[login] = true
		kept = append(kept, user.ID)
		planned := d.People[login]
		// Who has lost every role in NocoBase's screens has a password still.
		back := len(user.Roles) == 0 && !slices.Contains(people, user.ID)
		changes = append(changes, diffPerson(user, login, planned, back)...)
		for _, role := range user.Roles {
			if !slices.Contains(planned.Roles, role.Name) {
				surplus[role.Name] = append(surplus[role.Name], member{user.ID, access.Difference{
					Subject: "account " + login, Found: "other roles", Planned: "those of the plan"}})
			}
		}
		for _, role := range planned.Roles {
			if !user.holds(role) {
				missing[role] = append(missing[role], member{user.ID, access.Difference{
					Subject: "account " + login, Found: "fewer roles", Planned: "those of the plan"}})
			}
		}
	}
	var joining []string
	for _, login := range slices.Sorted(maps.Keys(d.People)) {
		if there[login] {
			continue
		}
		joining, kept = append(joining, login), append(kept, accountRef(login))
		for _, role := range d.People[login].Roles {
			missing[role] = append(missing[role], member{accountRef(login), joined(login)})
		}
	}
	return slices.Concat(changes, membership(narrow, "remove", surplus), join(d, joining), o.keepPeople(kept), membership(admit, "add", missing))
}

func joined(login string) access.Difference {
	return access.Difference{Subject: "account " + login, Planned: "there"}
}

// diffPerson gives an account that comes back a new password, and keeps its name.
func diffPerson(user *userRow, login string, planned person, back bool) []change {
	var changes []change
	write := func(at stage, difference access.Difference, invite []string, values map[string]any) {
		changes = append(changes, change{Stage: at, Invite: invite, Differences: []access.Difference{difference},
			Request: request{Action: "users:update", Parameters: map[string]any{"filterByTk": user.ID}, Body: values}})
	}
	if back {
		write(makeAccounts, access.Difference{Subject: "account " + login, Found: "fewer roles", Planned: "those of the plan"},
			[]string{login}, map[string]any{"password": passwordRef(login)})
	}
	named := map[string]any{}
	if user.Nickname != planned.Name {
		named["nickname"] = planned.Name
	}
	if planned.Email != "" && user.Email != planned.Email && !strings.Contains(login, "@") {
		named["email"] = planned.Email
	}
	if len(named) > 0 {
		write(admit, access.Difference{Subject: "account " + login, Found: "another name or address", Planned: "as declared"}, nil, named)
	}
	return changes
}

// join makes accounts. They have no role yet.
func join(d *desired, logins []string) []change {
	var changes []change
	for some := range slices.Chunk(logins, passwordBatch) {
		c := change{Stage: makeAccounts, Invite: some}
		var list []any
		for _, login := range some {
			values := map[string]any{"nickname": d.People[login].Name, "password": passwordRef(login)}
			switch email := d.People[login].Email; {
			case strings.Contains(login, "@"):
				values["email"] = login
			case email != "":
				values["username"], values["email"] = login, email
			default:
				values["username"] = login
			}
			list, c.Differences = append(list, values), append(c.Differences, joined(login))
		}
		c.Request = request{Action: makeUsers, Body: list}
		changes = append(changes, c)
	}
	return changes
}

// keepPeople writes down whose accounts are the plan's before they may do anything.
func (o *observed) keepPeople(kept []any) []change {
	var numbers []int64
	for _, id := range kept {
		if number, known := id.(int64); known {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	if slices.Equal(numbers, o.numbers(peopleScope)) && len(numbers) == len(kept) {
		return nil
	}
	return []change{{Stage: register, Request: o.keeping(peopleScope, numbered(kept)),
		Differences: []access.Difference{{Subject: "list of the plan's accounts", Planned: "as declared"}}}}
}

// Accounts implements access.Adapter.
//
// NocoBase keeps when the sessions began that are not over yet, and nothing of earlier ones.
func (Adapter) Accounts(ctx context.Context, to access.Connection) ([]access.Account, error) {
	c, err := login(ctx, to)
	if err != nil {
		return nil, err
	}
	defer c.logout(ctx)
	users, err := observeUsers(ctx, c)
	if err != nil {
		return nil, err
	}
	var roles []roleRow
	if err := c.call(ctx, request{Action: "roles:list", Parameters: map[string]any{"paginate": "false"}}, &roles); err != nil {
		return nil, err
	}
	last, err := observeSessions(ctx, c)
	if err != nil {
		return nil, err
	}
	administering := map[string]bool{}
	for i := range roles {
		administering[roles[i].Name] = roles[i].Name == rootRole || roles[i].administers()
	}
	list := make([]access.Account, 0, len(users))
	for i := range users {
		user := &users[i]
		account := access.Account{Login: user.login(), DisplayName: user.Nickname, Active: len(user.Roles) > 0, LastLogin: last[user.ID]}
		for _, role := range user.Roles {
			account.Administrator = account.Administrator || administering[role.Name]
		}
		list = append(list, account)
	}
	slices.SortFunc(list, func(a, b access.Account) int { return cmp.Compare(a.Login, b.Login) })
	return list, nil
}

// administers tells whether a role opens any of NocoBase's own settings.
func (r *roleRow) administers() bool {
	return r.AllowConfigure || slices.ContainsFunc(r.Snippets, func(snippet string) bool { return !strings.HasPrefix(snippet, "!") })
}

func observeSessions(ctx context.Context, c *client) (map[int64]time.Time, error) {
	var sessions []struct {
		Account int64 `json:"userId"`
		// Began in milliseconds.
		Began int64 `json:"signInTime"`
	}
	if err := c.call(ctx, request{Action: "issuedTokens:list", Parameters: map[string]any{"paginate": "false", "fields": "userId,signInTime"}}, &sessions); err != nil {
		return nil, fmt.Errorf("read when people logged in last: %w", err)
	}
	last := map[int64]time.Time{}
	for _, session := range sessions {
		if at := time.UnixMilli(session.Began).UTC(); at.After(last[session.Account]) {
			last[session.Account] = at
		}
	}
	return last, nil
}
