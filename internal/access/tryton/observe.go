package tryton

import (
	"context"
	"strings"
)

// pageSize bounds the records that one call reads.
const pageSize = 1000

// Rows as Tryton gives them. A name with a dot at its end holds fields of a related record.
type (
	named struct {
		Name string `json:"name"`
	}
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
		Group *named    `json:"group."`
		columns
	}
	fieldRow struct {
		ID    int `json:"id"`
		Field struct {
			Name  string    `json:"name"`
			Model modelName `json:"model."`
		} `json:"field."`
		Group *named `json:"group."`
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
		Groups []struct {
			ID   int    `json:"id"`
			Name string `json:"name"`
		} `json:"groups."`
		columns
	}
	userRow struct {
		ID        int    `json:"id"`
		Login     string `json:"login"`
		Name      string `json:"name"`
		Email     string `json:"email"`
		Active    bool   `json:"active"`
		Groups    []int  `json:"groups"`
		Roles     []int  `json:"roles"`
		Sessions  int    `json:"sessions"`
		Employees []int  `json:"employees"`
		Companies []int  `json:"companies"`
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

// observe reads what holds, in a number of calls that depends on nothing but the thousands of rows.
func observe(ctx context.Context, c *client, plan *desired) (*observed, error) {
	models := []string{sessionModel, userModel}
	for model := range plan.Models {
		models = append(models, model)
	}
	concerns := func(model, group string) []any {
		return []any{"OR", []any{model, "in", models}, []any{group, "like", prefix + "%"}}
	}
	permissions := []string{"perm_read", "perm_write", "perm_create", "perm_delete"}
	o := &observed{}
	for _, read := range []func() error{
		func() error {
			return searchAll(ctx, c, "res.group", true, []any{[]any{"name", "like", prefix + "%"}}, &o.Groups, "name", "active", "parent")
		},
		func() error {
			return searchAll(ctx, c, "ir.model.access", false, []any{concerns("model.model", "group.name")}, &o.Access,
				append(permissions, "model.model", "group.name")...)
		},
		func() error {
			return searchAll(ctx, c, "ir.model.field.access", false, []any{concerns("field.model.model", "group.name")}, &o.Fields,
				append(permissions, "field.name", "field.model.model", "group.name")...)
		},
		func() error {
			return searchAll(ctx, c, "ir.rule.group", false, []any{concerns("model.model", "groups.name")}, &o.Rules,
				append(permissions, "name", "model.model", "global_p", "default_p", "rules.domain", "groups.name")...)
		},
		func() error {
			return searchAll(ctx, c, userModel, true, []any{}, &o.Users, "login", "name", "email", "active", "groups", "roles", "sessions",
				"employees", "companies", "applications.state")
		},
		func() error {
			return searchAll(ctx, c, "res.role", false, []any{[]any{"groups", "!=", nil}}, &o.Roles, "name", "groups")
		},
		func() error {
			return searchAll(ctx, c, "ir.action.wizard", false, []any{[]any{"groups", "=", nil}, []any{"model", "=", nil}}, &o.Wizards, "wiz_name")
		},
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return o, observeCompany(ctx, c, plan, o)
}

// observeCompany reads the company if somebody needs one.
func observeCompany(ctx context.Context, c *client, plan *desired, o *observed) error {
	placed := 0
	for i := range o.Users {
		user := &o.Users[i]
		if planned, ok := plan.Accounts[user.Login]; ok && !lacksCompany(user, planned) {
			placed++
		}
	}
	if placed == len(plan.Accounts) {
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

func (g *named) group() string {
	if g == nil {
		return everybody
	}
	return g.Name
}

func ours(group string) bool { return strings.HasPrefix(group, prefix) }
