package tryton

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

const (
	prefix = "crmkeep:"
	// markGroup has no rights. Roles have a dot in their names, so none can have this name.
	markGroup = prefix + "people"
	// operatorGroup lets crmkeep's own account make employees.
	operatorGroup = prefix + "operator"
	nobodyRule    = prefix + "nobody"
	everybody     = ""
)

// rights are the four columns of Tryton's access tables.
type rights struct{ Read, Write, Create, Delete bool }

func (r rights) and(o rights) rights {
	return rights{r.Read && o.Read, r.Write && o.Write, r.Create && o.Create, r.Delete && o.Delete}
}

func (r rights) String() string {
	var words []string
	for _, right := range []struct {
		has  bool
		word string
	}{{r.Read, "read"}, {r.Create, "create"}, {r.Write, "update"}, {r.Delete, "delete"}} {
		if right.has {
			words = append(words, right.word)
		}
	}
	if words == nil {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

var allRights = rights{true, true, true, true}

// Keys of rows. Group is the name of a group, or everybody.
type (
	accessKey struct{ Model, Group string }
	fieldKey  struct{ Model, Field, Group string }
	ruleKey   struct{ Model, Name string }
)

// rule is a group of rules with one rule, for one group or by default for everybody.
type rule struct {
	Group  string
	Domain string
	Rights rights
}

type account struct {
	Name, Email string
	// Groups by name, sorted.
	Groups []string
	// Employee says that the account needs an employee to own records.
	Employee bool
}

// desired is what Tryton has to hold for a plan.
type desired struct {
	Models   map[string]bool
	Groups   map[string]bool
	Access   map[accessKey]rights
	Fields   map[fieldKey]rights
	Rules    map[ruleKey]rule
	Accounts map[string]account
}

func desire(plan *access.Plan) *desired {
	d := &desired{
		Models: map[string]bool{}, Groups: map[string]bool{markGroup: true}, Access: map[accessKey]rights{},
		Fields: map[fieldKey]rights{}, Rules: map[ruleKey]rule{}, Accounts: map[string]account{},
	}
	models := map[string]access.Model{}
	for _, model := range plan.Models {
		models[model.Name] = model
		d.Models[model.Name] = true
		d.Access[accessKey{model.Name, everybody}] = rights{}
	}
	employing := map[string]bool{}
	for i := range plan.Roles {
		role := &plan.Roles[i]
		d.Groups[prefix+role.Name] = true
		for _, grant := range role.Grants {
			d.Access[accessKey{grant.Model, prefix + role.Name}] = verbs(grant, models[grant.Model])
			if owned(grant, models[grant.Model]) {
				employing[role.Name] = true
			}
		}
	}
	// A password that Tryton made for somebody who forgot theirs is readable for everybody until it is used.
	d.Fields[fieldKey{userModel, "password_reset", everybody}] = rights{}
	// Hashes of passwords are not shown, but everybody could find them piece by piece, by searching for accounts by them.
	d.Fields[fieldKey{userModel, "password_hash", everybody}] = rights{Write: true}
	d.addRules(plan, models)
	d.addFields(plan, models)
	d.addAccounts(plan, employing)
	d.addOperator(employing)
	return d
}

// verbs gives what a grant allows on any record. A verb whose scope cannot be enforced on the model is denied.
func verbs(grant access.Grant, model access.Model) rights {
	has := func(scope access.Scope) bool { return effective(scope, model) != access.ScopeNone }
	return rights{Read: has(grant.Read), Write: has(grant.Update), Create: has(grant.Create), Delete: has(grant.Delete)}
}

// effective gives the widest scope within the one that is asked for that the model can have.
func effective(scope access.Scope, model access.Model) access.Scope {
	if scope == access.ScopeTeam && model.TeamField == "" {
		scope = access.ScopeOwn
	}
	if scope == access.ScopeOwn && model.OwnerField == "" {
		scope = access.ScopeNone
	}
	return scope
}

// within gives what a grant allows on records of one scope.
func within(scope access.Scope, grant access.Grant, model access.Model) rights {
	is := func(s access.Scope) bool { return scope != access.ScopeNone && effective(s, model) == scope }
	return rights{Read: is(grant.Read), Write: is(grant.Update), Create: is(grant.Create), Delete: is(grant.Delete)}
}

// owned says whether records of the model belong to a holder of the grant through an employee.
func owned(grant access.Grant, model access.Model) bool {
	return model.OwnerField != "" && employed(model.OwnerField) &&
		(within(access.ScopeOwn, grant, model) != rights{} || within(access.ScopeTeam, grant, model) != rights{})
}

// addRules adds the record rules of the models on which some verb has a scope below All. Rules of the other ones would say what the access rows
// say already.
func (d *desired) addRules(plan *access.Plan, models map[string]access.Model) {
	scoped := map[string]bool{}
	for _, role := range plan.Roles {
		for _, grant := range role.Grants {
			if model := models[grant.Model]; verbs(grant, model) != within(access.ScopeAll, grant, model) {
				scoped[model.Name] = true
			}
		}
	}
	for name := range scoped {
		// The rules of a parent hold for its children and are OR-ed with theirs: rules of the child could only open what the parent's close.
		if slices.ContainsFunc(slices.Collect(maps.Keys(scoped)), func(other string) bool { return lends(other, name) }) {
			continue
		}
		d.Rules[ruleKey{name, nobodyRule}] = rule{Group: everybody, Domain: domain(access.ScopeNone, models[name]), Rights: allRights}
		for _, role := range plan.Roles {
			for _, grant := range role.Grants {
				if grant.Model == name {
					d.addRulesOf(role.Name, grant, models[name])
				}
			}
		}
	}
}

func (d *desired) addRulesOf(role string, grant access.Grant, model access.Model) {
	for _, scope := range []access.Scope{access.ScopeOwn, access.ScopeTeam, access.ScopeAll} {
		if allowed := within(scope, grant, model); allowed != (rights{}) {
			d.Rules[ruleKey{model.Name, prefix + role + " " + string(scope)}] = rule{Group: prefix + role, Domain: domain(scope, model), Rights: allowed}
		}
	}
}

// domain gives the records of a scope as Tryton's expression, in JSON.
func domain(scope access.Scope, model access.Model) string {
	evaluate := func(name string, otherwise any) map[string]any {
		return map[string]any{"__class__": "Eval", "v": name, "d": otherwise}
	}
	var own []any
	if employed(model.OwnerField) {
		own = []any{model.OwnerField, "in", evaluate("employees", []int{})}
	} else {
		own = []any{model.OwnerField, "=", map[string]any{"__class__": "Get", "v": evaluate("user", map[string]any{}), "k": "id", "d": -1}}
	}
	var expression []any
	switch scope {
	case access.ScopeAll:
		expression = []any{}
	case access.ScopeTeam:
		// In Tryton's own modules a team is a company.
		expression = []any{"OR", []any{model.TeamField, "in", evaluate("companies", []int{})}}
		if model.OwnerField != "" {
			expression = append(expression, own)
		}
	case access.ScopeOwn:
		expression = []any{own}
	default:
		expression = []any{[]any{"id", "=", -1}}
	}
	content, err := json.Marshal(expression)
	if err != nil {
		panic(err) // Plain values: cannot happen.
	}
	return string(content)
}

func (d *desired) addAccounts(plan *access.Plan, employing map[string]bool) {
	for _, person := range plan.People {
		a := account{Name: person.DisplayName, Email: person.Email, Groups: []string{markGroup}}
		for _, role := range person.Roles {
			a.Groups = append(a.Groups, prefix+role)
			a.Employee = a.Employee || employing[role]
		}
		slices.Sort(a.Groups)
		d.Accounts[person.Login] = a
	}
}

// addOperator lets crmkeep's own account make employees: Tryton leaves that to another of its groups than that of administrators, and the plan may
// close what they consist of.
func (d *desired) addOperator(employing map[string]bool) {
	if len(employing) == 0 {
		return
	}
	d.Groups[operatorGroup] = true
	for model, fields := range map[string][]string{partyModel: {"name"}, employeeModel: {"party", "company"}} {
		d.Access[accessKey{model, operatorGroup}] = rights{Create: true}
		for _, field := range fields {
			if _, restricted := d.Fields[fieldKey{model, field, everybody}]; restricted {
				d.Fields[fieldKey{model, field, operatorGroup}] = rights{Write: true}
			}
		}
	}
}
