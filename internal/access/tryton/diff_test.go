package tryton

import (
	"cmp"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
)

// fake is a Tryton that keeps rows and decides by them as Tryton does, for more plans than a real one has the time for.
type fake struct {
	observed
	last int
}

func (f *fake) id() int {
	f.last++
	return f.last
}

func (f *fake) group(name string) int {
	for _, group := range f.Groups {
		if group.Name == name {
			return group.ID
		}
	}
	panic("no group " + name)
}

func columnsOf(values map[string]any) columns {
	is := func(name string) bool { return values[name] == true }
	return columns{is("perm_read"), is("perm_write"), is("perm_create"), is("perm_delete")}
}

func groupOf(values map[string]any) *groupRow {
	if group, ok := values["group"].(groupRef); ok {
		return &groupRow{Name: string(group)}
	}
	return nil
}

// do executes one change.
func (f *fake) do(c change) {
	switch string(c.Operation) + " " + c.Model {
	case "create res.group":
		f.Groups = append(f.Groups, groupRow{ID: f.id(), Name: c.Values["name"].(string), Active: true})
	case "delete res.group":
		f.deleteGroup(c.ID)
	case "create ir.model.access":
		f.Access = append(f.Access, accessRow{f.id(), modelName{string(c.Values["model"].(modelRef))}, groupOf(c.Values), columnsOf(c.Values)})
	case "create ir.model.field.access":
		row := fieldRow{ID: f.id(), Group: groupOf(c.Values), columns: columnsOf(c.Values)}
		field := c.Values["field"].(fieldRef)
		row.Field.Name, row.Field.Model.Model = field.Field, field.Model
		f.Fields = append(f.Fields, row)
	case "write ir.model.access":
		at := slices.IndexFunc(f.Access, func(r accessRow) bool { return r.ID == c.ID })
		f.Access[at].columns = columnsOf(c.Values)
	case "write ir.model.field.access":
		at := slices.IndexFunc(f.Fields, func(r fieldRow) bool { return r.ID == c.ID })
		f.Fields[at].columns = columnsOf(c.Values)
	case "delete ir.model.access":
		f.Access = slices.DeleteFunc(f.Access, func(r accessRow) bool { return r.ID == c.ID })
	case "delete ir.model.field.access":
		f.Fields = slices.DeleteFunc(f.Fields, func(r fieldRow) bool { return r.ID == c.ID })
	case "create ir.rule.group":
		f.createRule(c.Values)
	case "delete ir.rule.group":
		f.Rules = slices.DeleteFunc(f.Rules, func(r ruleRow) bool { return r.ID == c.ID })
	case "create res.user":
		user := userRow{ID: f.id(), Login: c.Values["login"].(string), Active: true}
		f.Users = append(f.Users, user)
		f.writeUser(user.ID, c.Values)
	case "write res.user":
		f.writeUser(c.ID, c.Values)
	default:
		panic("no such change: " + string(c.Operation) + " " + c.Model)
	}
}

func (f *fake) deleteGroup(id int) {
	name := f.governed()[id]
	f.Groups = slices.DeleteFunc(f.Groups, func(r groupRow) bool { return r.ID == id })
	f.Access = slices.DeleteFunc(f.Access, func(r accessRow) bool { return r.Group.group() == name })
	f.Fields = slices.DeleteFunc(f.Fields, func(r fieldRow) bool { return r.Group.group() == name })
	for i := range f.Users {
		f.Users[i].Groups = slices.DeleteFunc(f.Users[i].Groups, func(group int) bool { return group == id })
	}
}

func (f *fake) createRule(values map[string]any) {
	row := ruleRow{ID: f.id(), Name: values["name"].(string), Model: modelName{string(values["model"].(modelRef))}, Default: values["default_p"] == true,
		columns: columnsOf(values)}
	domain := values["rules"].([]any)[0].([]any)[1].([]any)[0].(map[string]any)["domain"].(string)
	row.Rules = append(row.Rules, struct {
		Domain string `json:"domain"`
	}{domain})
	if groups, ok := values["groups"].([]any); ok {
		name := string(groups[0].([]any)[1].([]any)[0].(groupRef))
		row.Groups = append(row.Groups, groupRow{ID: f.group(name), Name: name})
	}
	f.Rules = append(f.Rules, row)
}

func (f *fake) writeUser(id int, values map[string]any) {
	user := &f.Users[slices.IndexFunc(f.Users, func(r userRow) bool { return r.ID == id })]
	if name, ok := values["name"].(string); ok {
		user.Name = name
	}
	if active, ok := values["active"].(bool); ok {
		user.Active = active
	}
	commands, _ := values["groups"].([]any)
	for _, command := range commands {
		switch parts := command.([]any); parts[0] {
		case "add":
			for _, group := range parts[1].([]any) {
				user.Groups = append(user.Groups, f.group(string(group.(groupRef))))
			}
		case "remove":
			user.Groups = slices.DeleteFunc(user.Groups, func(group int) bool { return slices.Contains(parts[1].([]int), group) })
		}
	}
}

// may gives everything that an account may do: for each model and verb the records as domains, and for each field what may be done with it.
func (f *fake) may(login string, models []access.Model) map[string]bool {
	all := map[string]bool{}
	for i := range f.Users {
		user := &f.Users[i]
		if user.Login != login || !user.Active {
			continue
		}
		groups := map[string]bool{everybody: true}
		for _, id := range user.Groups {
			groups[f.governed()[id]] = true
		}
		for _, model := range models {
			f.mayWith(model, groups, all)
		}
	}
	return all
}

func (f *fake) mayWith(model access.Model, groups map[string]bool, all map[string]bool) {
	for _, verb := range []string{"read", "update", "create", "delete"} {
		allowed, ruled := !slices.ContainsFunc(f.Access, func(r accessRow) bool {
			return r.Model.Model == model.Name && groups[r.Group.group()]
		}), false
		for _, row := range f.Access {
			if row.Model.Model == model.Name && groups[row.Group.group()] {
				allowed = allowed || strings.Contains(row.rights().String(), verb)
			}
		}
		if !allowed {
			continue
		}
		for _, rule := range f.Rules {
			applies := rule.Default || len(rule.Groups) > 0 && groups[rule.Groups[0].Name]
			if rule.Model.Model == model.Name && applies && strings.Contains(rule.rights().String(), verb) {
				ruled = true
				f.widen(model, verb, rule.Rules[0].Domain, all)
			}
		}
		if !ruled {
			f.widen(model, verb, domain(access.ScopeAll, model), all)
		}
	}
	for _, field := range model.Fields {
		for _, verb := range []string{"read", "update"} {
			found, allowed := false, false
			for _, row := range f.Fields {
				if row.Field.Model.Model == model.Name && row.Field.Name == field && groups[row.Group.group()] {
					found, allowed = true, allowed || strings.Contains(row.rights().String(), verb)
				}
			}
			if (!found || allowed) && all[model.Name+" "+verb+" "+string(access.ScopeOwn)] {
				all[model.Name+"."+field+" "+verb] = true
			}
		}
	}
}

// widen notes a scope and those that it includes.
func (f *fake) widen(model access.Model, verb, of string, all map[string]bool) {
	scopes := []access.Scope{access.ScopeOwn, access.ScopeTeam, access.ScopeAll}
	for i, scope := range scopes {
		if domain(scope, model) == of {
			for _, included := range scopes[:i+1] {
				all[model.Name+" "+verb+" "+string(included)] = true
			}
		}
	}
}

var fakeModels = []access.Model{
	{Name: "a.free", Fields: []string{"x"}},
	{Name: "b.owned", OwnerField: "employee", Fields: []string{"x", "y"}},
	{Name: "c.team", OwnerField: "create_uid", TeamField: "company"},
}

func randomPlan(r *rand.Rand) *access.Plan {
	plan := &access.Plan{Models: fakeModels, UnknownAccounts: access.UnknownAccountsReport}
	scopes := []access.Scope{access.ScopeNone, access.ScopeOwn, access.ScopeTeam, access.ScopeAll, access.ScopeAll}
	for i := range 1 + r.Intn(3) {
		role := access.Role{Name: fmt.Sprintf("p.r%d", i)}
		for _, model := range fakeModels {
			if r.Intn(3) == 0 {
				continue
			}
			scope := func() access.Scope { return scopes[r.Intn(len(scopes))] }
			grant := access.Grant{Model: model.Name, Read: scope(), Create: scope(), Update: scope(), Delete: scope()}
			for _, field := range model.Fields {
				if r.Intn(3) == 0 {
					grant.Fields = append(grant.Fields, access.FieldAccess{Field: field,
						Access: []access.Access{access.AccessReadOnly, access.AccessMasked, access.AccessHidden}[r.Intn(3)]})
				}
			}
			role.Grants = append(role.Grants, grant)
		}
		plan.Roles = append(plan.Roles, role)
	}
	for i := range 3 {
		if r.Intn(4) > 0 {
			plan.People = append(plan.People, access.Person{Login: fmt.Sprint("u", i), DisplayName: fmt.Sprint("U", r.Intn(2)),
				Roles: []string{plan.Roles[r.Intn(len(plan.Roles))].Name}})
		}
	}
	return plan
}

// planned gives what a plan lets a person do, said without Tryton's rows.
func planned(plan *access.Plan, login string) map[string]bool {
	all := map[string]bool{}
	for _, person := range plan.People {
		for _, role := range plan.Roles {
			if person.Login != login || !slices.Contains(person.Roles, role.Name) {
				continue
			}
			for _, grant := range role.Grants {
				plannedWith(&role, grant, all)
			}
		}
	}
	return all
}

func plannedWith(role *access.Role, grant access.Grant, all map[string]bool) {
	model := fakeModels[slices.IndexFunc(fakeModels, func(m access.Model) bool { return m.Name == grant.Model })]
	ordered := []access.Scope{access.ScopeOwn, access.ScopeTeam, access.ScopeAll}
	verbs := map[string]access.Scope{"read": grant.Read, "update": grant.Update, "create": grant.Create, "delete": grant.Delete}
	for verb, scope := range verbs {
		widest := effective(scope, model)
		for i, included := range ordered {
			if widest != access.ScopeNone && i <= slices.Index(ordered, widest) {
				all[model.Name+" "+verb+" "+string(included)] = true
			}
		}
	}
	for _, field := range model.Fields {
		left := declared(role, model.Name, field)
		if all[model.Name+" read Own"] && (left == access.AccessFull || left == access.AccessReadOnly) {
			all[model.Name+"."+field+" read"] = true
		}
		if all[model.Name+" update Own"] && left == access.AccessFull {
			all[model.Name+"."+field+" update"] = true
		}
	}
}

func TestFromAnyPlanToAnyOtherNothingOpensOnTheWayThatBothClose(t *testing.T) {
	who := accounts{Operator: "admin", Unknown: access.UnknownAccountsReport}
	for seed := range int64(100) {
		r := rand.New(rand.NewSource(seed))
		f := &fake{}
		f.Users = []userRow{{ID: f.id(), Login: "admin", Active: true}}
		before := map[string]map[string]bool{}
		for range 4 {
			plan := randomPlan(r)
			want := desire(plan)
			// The row of Tryton's own that hides passwords is none of the fake's models.
			changes := diff(want, &f.observed, who)
			after := map[string]map[string]bool{}
			for _, login := range []string{"u0", "u1", "u2"} {
				after[login] = planned(plan, login)
			}
			for _, c := range changes {
				f.do(c)
				for login := range after {
					for right := range f.may(login, fakeModels) {
						require.True(t, before[login][right] || after[login][right], "seed %d: %s may %s after %s of %s", seed, login, right, c.Operation, c.Difference.Subject)
					}
				}
			}
			for login := range after {
				require.Equal(t, after[login], f.may(login, fakeModels), "seed %d: %s", seed, login)
			}
			require.Empty(t, diff(want, &f.observed, who), "seed %d: a second diff", seed)
			before = after
		}
	}
}

func TestTheOrderOfChangesIsAlwaysTheSame(t *testing.T) {
	plan := randomPlan(rand.New(rand.NewSource(7)))
	first := diff(desire(plan), &observed{}, accounts{})
	for range 20 {
		assert.Equal(t, first, diff(desire(plan), &observed{}, accounts{}))
	}
	assert.True(t, slices.IsSortedFunc(first, func(a, b change) int { return cmp.Compare(a.Stage, b.Stage) }))
}
