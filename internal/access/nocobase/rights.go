package nocobase

import (
	"maps"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// diffRights brings the resources of roles to what is planned: first what they lose, later what they gain, in one request each for a role.
func diffRights(d *desired, o *observed) []change {
	var changes []change
	there := map[string]bool{}
	for i := range o.Roles {
		role := &o.Roles[i]
		if ours(role.Name) {
			there[role.Name] = true
			changes = append(changes, diffRole(d, o, role)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Roles)) {
		if there[name] {
			continue
		}
		// A role of the same name may have been taken out in NocoBase's screens: its resources are still there then.
		all := map[string]actions{}
		var found []access.Difference
		for _, model := range d.Models {
			all[model] = d.Roles[name][model]
			if len(all[model]) > 0 {
				found = append(found, access.Difference{Subject: subjectOf(name, model), Planned: all[model].String()})
			}
		}
		changes = append(changes, rightsOf(grant, name, all, found)...)
	}
	return changes
}

func diffRole(d *desired, o *observed, role *roleRow) []change {
	held, twice := o.actionsOf(d, role)
	var changes []change
	lost, gained := map[string]actions{}, map[string]actions{}
	var losses, gains []access.Difference
	names := slices.Sorted(maps.Keys(held))
	for _, model := range d.Models {
		if _, known := held[model]; !known && len(d.Roles[role.Name][model]) > 0 {
			names = append(names, model)
		}
	}
	for _, model := range names {
		found, planned := held[model], d.Roles[role.Name][model]
		left := found.within(planned)
		difference := access.Difference{Subject: subjectOf(role.Name, model), Found: found.String(), Planned: planned.String()}
		if len(left) < len(found) {
			lost[model] = left
			losses = append(losses, difference)
		}
		if !left.equal(planned) {
			gained[model] = planned
			gains = append(gains, difference)
		}
	}
	if twice != nil {
		changes = append(changes, change{Stage: deny,
			Request: request{Action: "roles/" + role.Name + "/resources:destroy", Body: map[string]any{},
				Parameters: map[string]any{"filter": map[string]any{"id": map[string]any{"$in": twice}}}},
			Differences: []access.Difference{{Subject: "role " + role.Name, Found: "two sets of rights to a model", Planned: "one"}}})
	}
	return slices.Concat(changes, rightsOf(narrow, role.Name, lost, losses), rightsOf(grant, role.Name, gained, gains))
}

// actionsOf gives what a role holds by collection, and the resources that are there for a second time. Rights that are to be written anew, because
// what they are about has changed, are not the plan's.
func (o *observed) actionsOf(d *desired, role *roleRow) (held map[string]actions, twice []int64) {
	held = map[string]actions{}
	for _, resource := range role.Resources {
		if resource.DataSource != mainSource || resource.Own != nil && !*resource.Own {
			continue
		}
		if _, known := held[resource.Name]; known {
			twice = append(twice, resource.ID)
		}
		set := actions{}
		for _, row := range resource.Actions {
			own, known := o.own(d, resource.Name, row.ScopeID)
			fields := slices.Sorted(slices.Values(row.Fields))
			// What has another scope, no guard or a twin is nothing that a plan has.
			if !known || twice != nil || !o.Collections[resource.Name].guarded() {
				fields = append(fields, "?")
			}
			set[row.Name] = action{Fields: fields, Own: own}
		}
		held[resource.Name] = set
	}
	return held, twice
}

// own tells whether a scope is that of the account's own records, and whether it is known at all.
func (o *observed) own(d *desired, model string, scope int64) (own, known bool) {
	if scope == 0 {
		return false, true
	}
	found := o.scope(ownScope(model))
	owner, owned := d.Owners[model]
	return true, found != nil && found.ID == scope && owned && sameJSON(found.Filter, ownFilter(owner))
}

// rightsOf is the request that sets a role's actions on some collections.
func rightsOf(at stage, role string, sets map[string]actions, found []access.Difference) []change {
	if len(sets) == 0 {
		return nil
	}
	var resources []any
	for _, model := range slices.Sorted(maps.Keys(sets)) {
		resources = append(resources, map[string]any{"name": model, "actions": sets[model].values(model)})
	}
	return []change{{Stage: at, Differences: found, Request: request{Action: "roles:applyDataPermissions", Parameters: map[string]any{"filterByTk": role},
		Body: map[string]any{"dataSourceKey": mainSource, "resources": resources}}}}
}

func subjectOf(role, model string) string { return "role " + role + " with " + model }

// values are the actions as NocoBase takes them.
func (a actions) values(model string) []any {
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		values := map[string]any{"name": name}
		if len(a[name].Fields) > 0 {
			values["fields"] = a[name].Fields
		}
		if a[name].Own {
			values["scopeId"] = scopeRef(ownScope(model))
		}
		list = append(list, values)
	}
	return list
}

// within gives those of the actions that open nothing that the planned ones do not.
func (a actions) within(planned actions) actions {
	left := actions{}
	for name, found := range a {
		wanted, known := planned[name]
		narrower := len(found.Fields) > 0 || len(wanted.Fields) == 0
		for _, field := range found.Fields {
			narrower = narrower && slices.Contains(wanted.Fields, field)
		}
		if known && narrower && (found.Own || !wanted.Own) {
			left[name] = found
		}
	}
	return left
}

func (a actions) equal(b actions) bool {
	return maps.EqualFunc(a, b, func(x, y action) bool { return x.Own == y.Own && slices.Equal(x.Fields, y.Fields) })
}

// String names the actions with their scope and their fields.
func (a actions) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		text := name
		if a[name].Own {
			text += " own"
		}
		if len(a[name].Fields) > 0 {
			text += " (" + strings.Join(slices.DeleteFunc(slices.Clone(a[name].Fields), func(f string) bool { return f == emptyCollection }), " ") + ")"
		}
		parts = append(parts, text)
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
