package tryton

import (
	"context"
	"slices"
	"strings"
)

// pageSize bounds the records that one call reads.
const pageSize = 1000

// Rows as Tryton gives them. A name with a dot at its end holds fields of a related record.
type (
	modelName struct {
		Model string `json:"model"`
	}
	columns struct {
		Read   bool `json:"perm_read"`
		Write  bool `json:"perm_write"`
		Create bool `json:"perm_create"`
		Delete bool `json:"perm_delete"`
	}

	groupRow struct {
		ID     int    `json:"id"`
		Name   string `json:"name"`
		Active bool   `json:"active"`
		Parent *int   `json:"parent"`
	}
	accessRow struct {
		ID    int       `json:"id"`
		Model modelName `json:"model."`
		Group *groupRow `json:"group."`
		columns
	}
	fieldRow struct {
		ID    int `json:"id"`
		Field struct {
			Name  string    `json:"name"`
			Model modelName `json:"model."`
		} `json:"field."`
		Group *groupRow `json:"group."`
		columns
	}
	ruleRow struct {
		ID      int       `json:"id"`
		Name    string    `json:"name"`
		Model   modelName `json:"model."`
		Global  bool      `json:"global_p"`
		Default bool      `json:"default_p"`
		Rules   []struct {
			Domain string `json:"domain"`
		} `json:"rules."`
		Groups []groupRow `json:"groups."`
		columns
	}
	userRow struct {
		ID     int    `json:"id"`
		Login  string `json:"login"`
		Name   string `json:"name"`
		Email  string `json:"email"`
		Active bool   `json:"active"`
		Groups []int  `json:"groups"`
		// MemberOf are the groups with their names.
		MemberOf  []groupRow `json:"groups."`
		Roles     []int      `json:"roles"`
		Sessions  int        `json:"sessions"`
		Employees []int      `json:"employees"`
		Companies []int      `json:"companies"`
		Keys      []struct {
			ID    int    `json:"id"`
			State string `json:"state"`
		} `json:"applications."`
	}
	roleRow struct {
		ID     int    `json:"id"`
		Name   string `json:"name"`
		Groups []int  `json:"groups"`
	}
	wizardRow struct {
		ID   int    `json:"id"`
		Name string `json:"wiz_name"`
	}
)

func (c columns) rights() rights { return rights(c) }

// observed is what Tryton holds that a plan has a say in.
type observed struct {
	// Groups of crmkeep's that have rights or members, or that the plan has.
	Groups []groupRow
	Access []accessRow
	Fields []fieldRow
	Rules  []ruleRow
	Users  []userRow
	// Roles of the module user_role that have groups.
	Roles []roleRow
	// Wizards that anybody may run, and with any records.
	Wizards []wizardRow
	// Company is the only company; zero if there is none, or several, or if nobody needs one.
	Company int
}

var permissions = []string{"perm_read", "perm_write", "perm_create", "perm_delete"}

// observe reads what holds, in a number of calls that depends on nothing but the thousands of rows. Groups are read with what they have, and by
// themselves only if some of the plan's have nothing.
func observe(ctx context.Context, c *client, plan *desired, operator string) (*observed, error) {
	o := &observed{}
	for _, read := range []func() error{
		func() error { return observeRights(ctx, c, plan, o) },
		func() error { return observeUsers(ctx, c, o) },
		func() error {
			return searchAll(ctx, c, "ir.action.wizard", false, []any{[]any{"groups", "=", nil}, []any{"model", "=", nil}}, &o.Wizards, "wiz_name")
		},
		func() error { return observeRoles(ctx, c, operator, o) },
		func() error { return observeGroups(ctx, c, plan, o) },
		func() error { return observeCompany(ctx, c, plan, o) },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func observeRights(ctx context.Context, c *client, plan *desired, o *observed) error {
	models := []string{sessionModel, userModel}
	for model := range plan.Models {
		models = append(models, model)
	}
	concerns := func(model, group string) []any {
		return []any{"OR", []any{model, "in", models}, []any{group, "like", prefix + "%"}}
	}
	with := func(group string, fields ...string) []string {
		return slices.Concat(permissions, fields, []string{group + ".name", group + ".active", group + ".parent"})
	}
	err := searchAll(ctx, c, "ir.model.access", false, []any{concerns("model.model", "group.name")}, &o.Access, with("group", "model.model")...)
	if err != nil {
		return err
	}
	err = searchAll(ctx, c, "ir.model.field.access", false, []any{concerns("field.model.model", "group.name")}, &o.Fields,
		with("group", "field.name", "field.model.model")...)
	if err != nil {
		return err
	}
	return searchRules(ctx, c, concerns("model.model", "groups.name"), o)
}

func searchRules(ctx context.Context, c *client, concerned []any, o *observed) error {
	return searchAll(ctx, c, "ir.rule.group", true, []any{concerned}, &o.Rules,
		append(permissions, "name", "model.model", "global_p", "default_p", "rules.domain", "groups.name", "groups.active", "groups.parent")...)
}

func observeUsers(ctx context.Context, c *client, o *observed) error {
	return searchAll(ctx, c, userModel, true, []any{}, &o.Users, "login", "name", "email", "active", "groups", "groups.name", "groups.active",
		"groups.parent", "roles", "sessions", "employees", "companies", "applications.state")
}

// observeLeavers reads what it takes to put people out.
func observeLeavers(ctx context.Context, c *client) (*observed, error) {
	o := &observed{}
	if err := observeUsers(ctx, c, o); err != nil {
		return nil, err
	}
	o.collectGroups()
	return o, searchRules(ctx, c, []any{"model.model", "=", sessionModel}, o)
}

// observeRoles reads the roles that people can take on, if somebody may have made one since they were emptied: that takes an account with rights
// of Tryton's own, which nobody has while the administrator is locked.
func observeRoles(ctx context.Context, c *client, operator string, o *observed) error {
	matter := slices.ContainsFunc(o.Users, func(user userRow) bool {
		others := slices.ContainsFunc(user.MemberOf, func(group groupRow) bool { return !ours(group.Name) })
		return len(user.Roles) > 0 || user.Active && others && user.Login != operator
	})
	if !matter {
		return nil
	}
	return searchAll(ctx, c, "res.role", false, []any{[]any{"groups", "!=", nil}}, &o.Roles, "name", "groups")
}

func observeGroups(ctx context.Context, c *client, plan *desired, o *observed) error {
	o.collectGroups()
	for name := range plan.Groups {
		if !slices.ContainsFunc(o.Groups, func(group groupRow) bool { return group.Name == name }) {
			o.Groups = nil
			return searchAll(ctx, c, "res.group", true, []any{[]any{"name", "like", prefix + "%"}}, &o.Groups, "name", "active", "parent")
		}
	}
	return nil
}

// collectGroups gathers crmkeep's groups from what has been read with them.
func (o *observed) collectGroups() {
	known := map[int]bool{}
	collect := func(groups ...groupRow) {
		for _, group := range groups {
			if ours(group.Name) && !known[group.ID] {
				known[group.ID] = true
				o.Groups = append(o.Groups, group)
			}
		}
	}
	for i := range o.Access {
		if group := o.Access[i].Group; group != nil {
			collect(*group)
		}
	}
	for i := range o.Fields {
		if group := o.Fields[i].Group; group != nil {
			collect(*group)
		}
	}
	for i := range o.Rules {
		collect(o.Rules[i].Groups...)
	}
	for i := range o.Users {
		collect(o.Users[i].MemberOf...)
	}
}

// observeCompany finds the company if somebody needs one: that which all accounts that have one are of, or else the only one.
func observeCompany(ctx context.Context, c *client, plan *desired, o *observed) error {
	placed := 0
	inUse := map[int]bool{}
	for i := range o.Users {
		user := &o.Users[i]
		if planned, ok := plan.Accounts[user.Login]; ok && !lacksCompany(user, planned) {
			placed++
		}
		for _, id := range user.Companies {
			inUse[id] = true
		}
	}
	if placed == len(plan.Accounts) || len(inUse) > 1 {
		return nil
	}
	for id := range inUse {
		o.Company = id
		return nil
	}
	var companies []struct {
		ID int `json:"id"`
	}
	if err := searchAll(ctx, c, "company.company", false, []any{}, &companies, "id"); err != nil {
		return err
	}
	if len(companies) == 1 {
		o.Company = companies[0].ID
	}
	return nil
}

func lacksCompany(user *userRow, planned account) bool {
	return len(user.Companies) == 0 || planned.Employee && len(user.Employees) == 0
}

// searchAll reads all records of a domain, in pages.
func searchAll[Row any](ctx context.Context, c *client, model string, inactive bool, domain []any, rows *[]Row, fields ...string) error {
	for {
		var page []Row
		order := [][]string{{"id", "ASC"}}
		if err := c.call(ctx, model, "search_read", inactive, &page, domain, len(*rows), pageSize, order, fields); err != nil {
			return err
		}
		*rows = append(*rows, page...)
		if len(page) < pageSize {
			return nil
		}
	}
}

func (g *groupRow) group() string {
	if g == nil {
		return everybody
	}
	return g.Name
}

func ours(group string) bool { return strings.HasPrefix(group, prefix) }
