package tryton_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

func TestWhatIsOpenedInTrytonsScreensIsClosedAgain(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	w.opportunity(w.as(mia), bo, "x")
	find := func(model string, domain ...any) int {
		rows, err := w.Admin.Read(model, domain, "id")
		require.NoError(t, err)
		require.NotEmpty(t, rows, "%s %v", model, domain)
		return int(rows[0]["id"].(float64))
	}
	// Rows are made anew in between.
	id := func(model string, domain ...any) func() int { return func() int { return find(model, domain...) } }
	eq := func(field string, value any) []any { return []any{field, "=", value} }
	group := find("res.group", eq("name", "crmkeep:sales.rep"))
	clerks := find("res.group", eq("name", "crmkeep:sales.clerk"))
	opportunities := find("ir.model", eq("model", "sale.opportunity"))
	comment := find("ir.model.field", eq("model.model", "sale.opportunity"), eq("name", "comment"))
	person := find("res.user", eq("login", li))
	allow := map[string]any{"perm_read": true, "perm_write": true, "perm_create": true, "perm_delete": true}
	with := func(values map[string]any) map[string]any {
		for name, value := range allow {
			values[name] = value
		}
		return values
	}
	create := func(model string, values map[string]any) func() {
		return func() { w.Admin.Create(t, model, values) }
	}
	write := func(model string, id func() int, values map[string]any) func() {
		return func() { w.Admin.Must(t, "model."+model+".write", nil, []int{id()}, values) }
	}
	everything := []any{[]any{"create", []any{map[string]any{"domain": "[]"}}}}
	for name, open := range map[string]func(){
		"a row for everybody":              write("ir.model.access", id("ir.model.access", eq("model", opportunities), eq("group", nil)), allow),
		"a second row for everybody":       create("ir.model.access", with(map[string]any{"model": opportunities})),
		"the row of a role":                write("ir.model.access", id("ir.model.access", eq("model", opportunities), eq("group", group)), allow),
		"a row for a role":                 create("ir.model.access", with(map[string]any{"model": find("ir.model", eq("model", "res.user")), "group": group})),
		"a row for a field":                create("ir.model.field.access", with(map[string]any{"field": comment, "group": group})),
		"the row for everybody of a field": write("ir.model.field.access", id("ir.model.field.access", eq("field", comment), eq("group", nil)), allow),
		"a default rule":                   create("ir.rule.group", map[string]any{"name": "all", "model": opportunities, "default_p": true, "global_p": false, "rules": everything}),
		"a rule for a role": create("ir.rule.group", map[string]any{"name": "all", "model": opportunities, "global_p": false, "rules": everything,
			"groups": []any{[]any{"add", []int{group}}}}),
		"a rule without a domain": create("ir.rule.group", map[string]any{"name": "none", "model": opportunities, "global_p": false,
			"groups": []any{[]any{"add", []int{group}}}}),
		"another domain": write("ir.rule", id("ir.rule", eq("rule_group.name", "crmkeep:sales.rep Own"), eq("rule_group.model", opportunities)),
			map[string]any{"domain": "[]"}),
		"a second domain": func() {
			w.Admin.Create(t, "ir.rule", map[string]any{"domain": "[]", "rule_group": find("ir.rule.group", eq("name", "crmkeep:sales.rep Own"), eq("model", opportunities))})
		},
		"no rule for everybody": func() {
			w.Admin.Must(t, "model.ir.rule.group.delete", nil, []int{find("ir.rule.group", eq("name", "crmkeep:nobody"), eq("model", opportunities))})
		},
		"another role":        write("res.user", func() int { return person }, map[string]any{"groups": []any{[]any{"add", []int{find("res.group", eq("name", "crmkeep:sales.manager"))}}}}),
		"a group of Tryton's": write("res.user", func() int { return person }, map[string]any{"groups": []any{[]any{"add", []int{1}}}}),
		"a parent group":      write("res.group", func() int { return clerks }, map[string]any{"parent": 1}),
	} {
		open()
		report := w.bring(salesPlan())
		assert.NotEmpty(t, report.Differences, name)
		rep := w.as(li)
		rows, err := rep.Read("sale.opportunity", []any{}, "description")
		require.NoError(t, err, name)
		assert.Empty(t, rows, name)
		_, err = rep.Read("sale.opportunity", []any{}, "comment")
		assert.Error(t, err, name)
		assert.Error(t, rep.Call("model.res.user.write", nil, []int{person}, map[string]any{"groups": []any{[]any{"add", []int{1}}}}), name)
	}
}

func TestNobodyGivesThemselvesMoreRights(t *testing.T) {
	w := newWorld(t)
	role := w.Admin.Create(t, "res.role", map[string]any{"name": "all rights", "groups": []any{[]any{"add", []int{1}}}})
	w.bring(salesPlan())
	rep := w.as(li)
	admins := []any{[]any{"add", []int{1}}}
	menus, err := w.Admin.Read("ir.action", []any{[]any{"usage", "=", "menu"}}, "id")
	require.NoError(t, err)
	menu := menus[0]["id"]
	for name, attempt := range map[string]func(*trytontest.Session) error{
		"own groups": func(s *trytontest.Session) error {
			return s.Call("model.res.user.write", nil, []int{s.ID}, map[string]any{"groups": admins})
		},
		"own groups in the preferences": func(s *trytontest.Session) error {
			return s.Call("model.res.user.set_preferences", nil, map[string]any{"groups": admins})
		},
		"a role in the preferences": func(s *trytontest.Session) error {
			return s.Call("model.res.user.set_preferences", nil, map[string]any{"roles": []any{[]any{"create", []any{map[string]any{"role": role}}}}})
		},
		"another employee": func(s *trytontest.Session) error {
			return s.Call("model.res.user.set_preferences", nil, map[string]any{"employee": w.employee(bo)})
		},
		"an account": func(s *trytontest.Session) error {
			return s.Call("model.res.user.create", nil, []any{map[string]any{"login": "x", "name": "x", "groups": admins}})
		},
		"a group": func(s *trytontest.Session) error {
			return s.Call("model.res.group.write", nil, []int{1}, map[string]any{"users": []any{[]any{"add", []int{s.ID}}}})
		},
		"membership": func(s *trytontest.Session) error {
			return s.Call("model.res.user-res.group.create", nil, []any{map[string]any{"user": s.ID, "group": 1}})
		},
		"employees": func(s *trytontest.Session) error {
			return s.Call("model.res.user-company.employee.create", nil, []any{map[string]any{"user": s.ID, "employee": w.employee(bo)}})
		},
		"a row": func(s *trytontest.Session) error {
			return s.Call("model.ir.model.access.create", nil, []any{map[string]any{"model": 1, "perm_read": true}})
		},
		"roles of the module": func(s *trytontest.Session) error {
			return s.Call("model.res.user.role.create", nil, []any{map[string]any{"user": s.ID, "role": role}})
		},
		"the wizard for accounts": func(s *trytontest.Session) error {
			var session []any
			if err := s.Call("wizard.res.user.config.create", &session); err != nil {
				return err
			}
			return s.Call("wizard.res.user.config.execute", nil, session[0],
				map[string]any{"user": map[string]any{"login": "intruder", "name": "x", "password": "Wx8kPq2mZr5vTn7y", "menu": menu, "groups": []int{1}}}, "add")
		},
	} {
		err := attempt(rep)
		t.Logf("%s: %v", name, err)
		users, readErr := w.Admin.Read("res.user", []any{[]any{"groups", "=", 1}}, "login")
		require.NoError(t, readErr)
		assert.Len(t, users, 2, "%s: only the administrator and crmkeep are some: %v", name, users)
		current, readErr := w.Admin.Read("res.user", []any{[]any{"id", "=", rep.ID}}, "employee", "employees")
		require.NoError(t, readErr)
		assert.EqualValues(t, w.employee(li), current[0]["employee"], name)
		assert.Len(t, current[0]["employees"], 1, name)
	}
}
