package tryton

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// diff gives what has to be changed for Tryton to be as desired, in the order in which it is to be done. It is pure.
func diff(d *desired, o *observed, who accounts) []change {
	changes := slices.Concat(
		diffGroups(d, o),
		diffAccess(d, o),
		diffFields(d, o),
		diffSessions(o, who),
		diffRules(d, o),
		diffRoles(o),
		diffWizards(o),
		diffAccounts(d, o, who),
	)
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.ID, b.ID))
	})
	return mergeMoves(changes)
}

// sorted gives the keys of a map in an order that is always the same.
func sorted[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}

func diffGroups(d *desired, o *observed) []change {
	var changes []change
	there := map[string]bool{}
	for _, group := range o.Groups {
		there[group.Name] = true
		subject := "group " + group.Name
		switch {
		case !d.Groups[group.Name]:
			// Its access rows and memberships go with it; its record rules would then hold for nobody, and are removed, too.
			changes = append(changes, change{Stage: narrow, Operation: remove, Model: "res.group", ID: group.ID,
				Difference: access.Difference{Subject: subject, Found: "there"}})
		case group.Parent != nil:
			changes = append(changes, change{Stage: narrow, Operation: write, Model: "res.group", ID: group.ID, Values: map[string]any{"parent": nil},
				Difference: access.Difference{Subject: subject, Found: "rights of another group", Planned: "rights of its own"}})
		case !group.Active:
			changes = append(changes, change{Stage: grant, Operation: write, Model: "res.group", ID: group.ID, Values: map[string]any{"active": true},
				Difference: access.Difference{Subject: subject, Found: "inactive", Planned: "active"}})
		}
	}
	for _, name := range sorted(d.Groups, strings.Compare) {
		if !there[name] {
			changes = append(changes, change{Stage: makeGroups, Operation: create, Model: "res.group", Values: map[string]any{"name": name},
				Difference: access.Difference{Subject: "group " + name, Planned: "there"}})
		}
	}
	return changes
}

// row is a row of one of the two access tables.
type row struct {
	model, subject string
	id             int
	found, planned rights
	values         map[string]any
}

// turn changes a row to what is planned, or makes it: first what it loses, later what it gains.
func (r row) turn() []change {
	var changes []change
	difference := access.Difference{Subject: r.subject, Found: r.found.String(), Planned: r.planned.String()}
	if r.id == 0 {
		difference.Found = ""
		values := r.planned.values()
		maps.Copy(values, r.values)
		at := grant
		if r.planned == (rights{}) {
			at = deny
		}
		return []change{{Stage: at, Operation: create, Model: r.model, Values: values, Difference: difference}}
	}
	kept := r.found.and(r.planned)
	if kept != r.found {
		changes = append(changes, change{Stage: narrow, Operation: write, Model: r.model, ID: r.id, Values: kept.values(), Difference: difference})
	}
	if kept != r.planned {
		changes = append(changes, change{Stage: grant, Operation: write, Model: r.model, ID: r.id, Values: r.planned.values(), Difference: difference})
	}
	return changes
}

func (r row) drop(at stage) change {
	return change{Stage: at, Operation: remove, Model: r.model, ID: r.id, Difference: access.Difference{Subject: r.subject, Found: r.found.String()}}
}

func diffAccess(d *desired, o *observed) []change {
	var changes []change
	there := map[accessKey]bool{}
	for _, found := range o.Access {
		key := accessKey{found.Model.Model, found.Group.group()}
		planned, wanted := d.Access[key]
		r := row{model: "ir.model.access", subject: subjectOf(key.Group, key.Model), id: found.ID, found: found.rights(), planned: planned}
		switch {
		case key.Group == everybody && d.Models[key.Model]:
			// There may be several, such as one of a module's: none may allow anything.
			there[key] = true
			changes = append(changes, r.turn()...)
		case !ours(key.Group):
			// Of Tryton's own groups, none of the plan's people is a member.
		case !wanted || there[key]:
			changes = append(changes, r.drop(narrow))
		default:
			there[key] = true
			changes = append(changes, r.turn()...)
		}
	}
	for _, key := range sorted(d.Access, func(a, b accessKey) int { return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Group, b.Group)) }) {
		if !there[key] {
			values := map[string]any{"model": modelRef(key.Model)}
			changes = append(changes, newRow("ir.model.access", subjectOf(key.Group, key.Model), key.Group, values, d.Access[key])...)
		}
	}
	return changes
}

func newRow(model, subject, group string, values map[string]any, planned rights) []change {
	if group != everybody {
		values["group"] = groupRef(group)
	}
	return row{model: model, subject: subject, planned: planned, values: values}.turn()
}

func subjectOf(group, of string) string {
	if group == everybody {
		return "everybody with " + of
	}
	return "role " + strings.TrimPrefix(group, prefix) + " with " + of
}

func diffFields(d *desired, o *observed) []change {
	var changes []change
	there := map[fieldKey]bool{}
	for _, found := range o.Fields {
		key := fieldKey{found.Field.Model.Model, found.Field.Name, found.Group.group()}
		planned, wanted := d.Fields[key]
		r := row{model: "ir.model.field.access", subject: subjectOf(key.Group, key.Model+"."+key.Field), id: found.ID, found: found.rights(), planned: planned}
		switch {
		case wanted && !there[key]:
			there[key] = true
			changes = append(changes, r.turn()...)
		case wanted:
			changes = append(changes, r.drop(narrow))
		case key.Group == everybody && d.Models[key.Model]:
			// A row for everybody is not wanted where every role has full access to the field; it can only deny, so to remove it is to open.
			changes = append(changes, r.drop(grant))
		case ours(key.Group):
			changes = append(changes, r.drop(narrow))
		}
	}
	compare := func(a, b fieldKey) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Group, b.Group))
	}
	for _, key := range sorted(d.Fields, compare) {
		if !there[key] {
			values := map[string]any{"field": fieldRef{key.Model, key.Field}}
			changes = append(changes, newRow("ir.model.field.access", subjectOf(key.Group, key.Model+"."+key.Field), key.Group, values, d.Fields[key])...)
		}
	}
	return changes
}

func diffRules(d *desired, o *observed) []change {
	var changes []change
	there := map[ruleKey]bool{}
	for _, found := range o.Rules {
		key := ruleKey{found.Model.Model, found.Name}
		planned, wanted := d.Rules[key]
		switch {
		case !ours(found.Name):
			changes = append(changes, foreignRule(d, &found)...)
		case !wanted || there[key] || !found.is(planned):
			at := narrow
			// Where no role has a scope any more, the rule for everybody is what keeps the model closed until the roles' rows are right.
			if key.Name == nobodyRule && !there[key] {
				at = grant
			}
			changes = append(changes, change{Stage: at, Operation: remove, Model: "ir.rule.group", ID: found.ID,
				Difference: access.Difference{Subject: "rule " + key.Name + " of " + key.Model, Found: "there, or other than planned"}})
		default:
			there[key] = true
		}
	}
	for _, key := range sorted(d.Rules, func(a, b ruleKey) int { return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Name, b.Name)) }) {
		if !there[key] {
			changes = append(changes, newRule(key, d.Rules[key]))
		}
	}
	return changes
}

// is says whether a group of rules is exactly the planned one. Its parts are never changed one by one.
func (r *ruleRow) is(planned rule) bool {
	groups := planned.Group == everybody && len(r.Groups) == 0 || len(r.Groups) == 1 && r.Groups[0].Name == planned.Group
	return groups && r.Default == (planned.Group == everybody) && !r.Global && r.rights() == planned.Rights &&
		len(r.Rules) == 1 && sameJSON(r.Rules[0].Domain, planned.Domain)
}

func sameJSON(a, b string) bool {
	var one, other any
	if json.Unmarshal([]byte(a), &one) != nil || json.Unmarshal([]byte(b), &other) != nil {
		return false
	}
	first, err := json.Marshal(one)
	second, err2 := json.Marshal(other)
	return err == nil && err2 == nil && string(first) == string(second)
}

// foreignRule closes a group of rules of somebody else's where it would open what the plan's rules close, because it is OR-ed with them.
func foreignRule(d *desired, found *ruleRow) []change {
	subject := "rule " + found.Name + " of " + found.Model.Model
	var opened []int
	for _, group := range found.Groups {
		if ours(group.Name) {
			opened = append(opened, group.ID)
		}
	}
	values := map[string]any{}
	if len(opened) > 0 {
		values["groups"] = []any{take(opened)}
	}
	if _, scoped := d.Rules[ruleKey{found.Model.Model, nobodyRule}]; scoped && found.Default {
		values["default_p"] = false
	}
	if len(values) == 0 {
		return nil
	}
	return []change{{Stage: narrow, Operation: write, Model: "ir.rule.group", ID: found.ID, Values: values,
		Difference: access.Difference{Subject: subject, Found: "opens more than planned", Planned: "not for the plan's people"}}}
}

func newRule(key ruleKey, planned rule) change {
	values := planned.Rights.values()
	values["name"], values["model"] = key.Name, modelRef(key.Model)
	values["global_p"], values["default_p"] = false, planned.Group == everybody
	values["rules"] = []any{[]any{"create", []any{map[string]any{"domain": planned.Domain}}}}
	at := deny
	if planned.Group != everybody {
		at = grant
		values["groups"] = []any{add([]any{groupRef(planned.Group)})}
	}
	return change{Stage: at, Operation: create, Model: "ir.rule.group", Values: values,
		Difference: access.Difference{Subject: "rule " + key.Name + " of " + key.Model, Planned: "there"}}
}
