package nocobase

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// closedSnippets of a role open nothing of NocoBase's own.
var closedSnippets = []string{"!pm", "!pm.*", "!ui.*"}

// diff gives what has to be changed for NocoBase to be as desired, in the order in which it is to be done. It is pure.
func diff(d *desired, o *observed, who accounts) []change {
	changes := slices.Concat(
		diffLeavers(d, o, who),
		diffSettings(o),
		diffGuards(d, o),
		diffScopes(d, o),
		diffRoles(d, o),
		diffRights(d, o),
		diffAccounts(d, o),
		diffAdministrator(o, who),
	)
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.Stage, b.Stage) })
	return changes
}

// diffSettings closes what NocoBase opens to everybody: it may join the roles of an account, and gives new accounts a role.
func diffSettings(o *observed) []change {
	var changes []change
	if o.RoleMode != oneRole {
		changes = append(changes, change{Stage: deny, Request: request{Action: "roles:setSystemRoleMode", Body: map[string]any{"roleMode": oneRole}},
			Differences: []access.Difference{{Subject: "roles of an account", Found: "joined: " + o.RoleMode, Planned: "one for each request"}}})
	}
	var given []access.Difference
	for _, role := range o.Roles {
		if role.Default {
			given = append(given, access.Difference{Subject: "role " + role.Name, Found: "given to every new account", Planned: "given by the plan"})
		}
	}
	if given != nil {
		changes = append(changes, change{Stage: deny, Differences: given, Request: request{
			Action: "roles:update", Parameters: map[string]any{"filter": map[string]any{"default": true}}, Body: map[string]any{"default": false},
		}})
	}
	return changes
}

// diffGuards gives each model the relation that leads nowhere.
func diffGuards(d *desired, o *observed) []change {
	var changes []change
	if _, there := o.Collections[emptyCollection]; !there {
		id := map[string]any{"name": "id", "type": "bigInt", "autoIncrement": true, "primaryKey": true, "allowNull": false}
		changes = append(changes, change{Stage: deny, Differences: []access.Difference{{Subject: "collection " + emptyCollection, Planned: "there"}},
			Request: request{Action: "collections:create", Body: map[string]any{
				"name": emptyCollection, "hidden": true, "autoGenId": true, "createdBy": false, "updatedBy": false, "fields": []any{id},
			}}})
	}
	for _, model := range d.Models {
		if o.Collections[model].guarded() {
			continue
		}
		changes = append(changes, change{Stage: deny,
			Differences: []access.Difference{{Subject: "model " + model, Found: "any related record may be appended", Planned: "none"}},
			Request: request{Action: "collections/" + model + "/fields:create", Body: map[string]any{
				"name": emptyCollection, "type": "hasMany", "target": emptyCollection, "foreignKey": model + "Id", "sourceKey": "id", "targetKey": "id",
			}}})
	}
	return changes
}

// diffScopes makes and mends the scopes of records of the account's own.
func diffScopes(d *desired, o *observed) []change {
	var changes []change
	for _, model := range d.Models {
		owner, owned := d.Owners[model]
		if !owned {
			continue
		}
		found := o.scope(ownScope(model))
		values := map[string]any{"name": ownScope(model), "resourceName": model, "dataSourceKey": mainSource, "scope": ownFilter(owner)}
		switch {
		case found == nil:
			changes = append(changes, change{Stage: deny, Request: request{Action: makeScopes, Body: []any{values}},
				Differences: []access.Difference{{Subject: "scope " + ownScope(model), Planned: "there"}}})
		case !sameJSON(found.Filter, ownFilter(owner)):
			changes = append(changes, change{Stage: deny,
				Request:     request{Action: scopeResource + ":update", Parameters: map[string]any{"filterByTk": found.ID}, Body: map[string]any{"scope": ownFilter(owner)}},
				Differences: []access.Difference{{Subject: "scope " + ownScope(model), Found: "another filter", Planned: "records of the account's own"}}})
		}
	}
	return changes
}

func (o *observed) scope(name string) *scopeRow {
	for i := range o.Scopes {
		if o.Scopes[i].Name == name {
			return &o.Scopes[i]
		}
	}
	return nil
}

// diffRoles makes roles that open nothing by themselves, and takes out those that are the plan's no longer.
func diffRoles(d *desired, o *observed) []change {
	var changes []change
	there := map[string]bool{}
	var dropped []string
	var gone []access.Difference
	for i := range o.Roles {
		role := &o.Roles[i]
		_, wanted := d.Roles[role.Name]
		there[role.Name] = true
		if !wanted && !ours(role.Name) {
			continue
		}
		if !wanted && role.Name != anonymousRole {
			dropped = append(dropped, role.Name)
			gone = append(gone, access.Difference{Subject: "role " + role.Name, Found: "there"})
		}
		if !role.closed() || o.strategy(role.Name) {
			changes = append(changes, change{Stage: deny,
				Request:     request{Action: "roles:update", Parameters: map[string]any{"filterByTk": role.Name}, Body: closedRole()},
				Differences: []access.Difference{{Subject: "role " + role.Name, Found: "rights to what the plan does not name", Planned: "none"}}})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Roles)) {
		if !there[name] {
			values := closedRole()
			values["name"], values["title"] = name, d.Titles[name]
			changes = append(changes, change{Stage: makeRoles, Request: request{Action: "roles:create", Body: values},
				Differences: []access.Difference{{Subject: "role " + name, Planned: "there"}}})
		}
	}
	if dropped != nil {
		changes = append(changes, change{Stage: lock, Differences: gone, Request: request{Action: "roles:destroy",
			Parameters: map[string]any{"filter": map[string]any{"name": map[string]any{"$in": dropped}}}, Body: map[string]any{}}})
	}
	return changes
}

// ours tells whether a role is crmkeep's, or one that nobody holds and everybody has.
func ours(role string) bool { return strings.HasPrefix(role, rolePrefix) || role == anonymousRole }

func closedRole() map[string]any {
	return map[string]any{"strategy": map[string]any{"actions": []string{}}, "snippets": closedSnippets, "allowConfigure": false, "allowNewMenu": false, "default": false}
}

// closed tells whether the role opens none of NocoBase's settings.
func (r *roleRow) closed() bool {
	snippets := slices.Sorted(slices.Values(r.Snippets))
	return !r.AllowConfigure && !r.AllowNewMenu && slices.Equal(snippets, closedSnippets)
}

// strategy tells whether a role has rights to collections that it has no resource for.
func (o *observed) strategy(role string) bool {
	return slices.ContainsFunc(o.Strategies, func(row strategyRow) bool {
		var strategy struct {
			Actions json.RawMessage `json:"actions"`
		}
		if row.Role != role || row.DataSource != mainSource || json.Unmarshal(row.Strategy, &strategy) != nil {
			return false
		}
		return strategy.Actions != nil && !sameJSON(strategy.Actions, []string{}) && !sameJSON(strategy.Actions, nil)
	})
}
