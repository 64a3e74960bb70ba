package nocobase

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

const (
	rolePrefix  = "crmkeep_"
	scopePrefix = "crmkeep "
	// anonymousRole holds for requests that ask for it, whoever makes them, if it is there.
	anonymousRole = "anonymous"
	// rootRole may do everything. NocoBase asks nothing about it.
	rootRole = "root"
	// emptyCollection is one without a record, and the name of each model's relation to it.
	emptyCollection = "crmkeep_nothing"
	mainSource      = "main"
	oneRole         = "default"
	scopeResource   = "dataSourcesRolesResourcesScopes"

	// maxRoleName is what NocoBase takes without trouble in a path.
	maxRoleName = 120
)

// Actions of NocoBase that a plan opens.
const (
	view    = "view"
	create  = "create"
	update  = "update"
	destroy = "destroy"
	export  = "export"
)

// kept are fields that NocoBase sets by itself, so that nobody needs to.
var kept = []string{"id", "createdById", "updatedById", "createdAt", "updatedAt", "sort"}

// action is what a role may do with records of a collection.
type action struct {
	// Fields that it is about, sorted. Empty for destroy.
	Fields []string
	// Own says that it is only about records of the account's own.
	Own bool
}

// actions by their names.
type actions map[string]action

// desired is what NocoBase has to hold for a plan.
type desired struct {
	// Models of the plan that NocoBase has, sorted.
	Models []string
	// Owners are the fields with the owner's number, for the models that have one.
	Owners map[string]string
	// Roles by their names in NocoBase, with their actions by collection.
	Roles map[string]map[string]actions
	// Titles of the roles.
	Titles map[string]string
	// People by login.
	People map[string]person
}

type person struct {
	Name, Email string
	// Roles by their names in NocoBase, sorted.
	Roles []string
}

func desire(plan *access.Plan, found map[string]collection) *desired {
	d := &desired{Owners: map[string]string{}, Roles: map[string]map[string]actions{}, Titles: map[string]string{}, People: map[string]person{}}
	models := map[string]access.Model{}
	for _, model := range plan.Models {
		if _, known := found[model.Name]; known {
			models[model.Name] = model
			d.Models = append(d.Models, model.Name)
		}
		if model.OwnerField != "" {
			d.Owners[model.Name] = found[model.Name].key(model.OwnerField)
		}
	}
	slices.Sort(d.Models)
	for i := range plan.Roles {
		role := &plan.Roles[i]
		name := roleName(role.Name)
		d.Roles[name], d.Titles[name] = map[string]actions{}, role.Name
		for _, grant := range role.Grants {
			if model, known := models[grant.Model]; known {
				d.Roles[name][grant.Model] = actionsOf(grant, model, found[grant.Model])
			}
		}
	}
	for _, p := range plan.People {
		wanted := person{Name: p.DisplayName, Email: p.Email}
		for _, role := range p.Roles {
			wanted.Roles = append(wanted.Roles, roleName(role))
		}
		slices.Sort(wanted.Roles)
		d.People[p.Login] = wanted
	}
	return d
}

// roleName gives the name of a plan's role in NocoBase, which takes letters, digits, dashes and underscores. Names of policies and roles have no
// underscore, so no two give the same one.
func roleName(name string) string {
	name = rolePrefix + strings.NewReplacer(".", "_", "+", "__").Replace(name)
	if len(name) <= maxRoleName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return rolePrefix + hex.EncodeToString(sum[:])
}

// effective gives the widest scope within the one that is asked for that NocoBase can enforce: it has no teams.
func effective(scope access.Scope, model access.Model) access.Scope {
	switch {
	case scope == access.ScopeTeam && model.OwnerField != "":
		return access.ScopeOwn
	case scope == access.ScopeTeam, scope == access.ScopeOwn && model.OwnerField == "":
		return access.ScopeNone
	}
	return scope
}

// actionsOf gives the actions of a grant. Import is none of them, see Unenforceable. An action without fields would be about all of them, so it is
// left out.
func actionsOf(grant access.Grant, model access.Model, of collection) actions {
	readable, writable := fieldsOf(grant, of)
	settable := slices.DeleteFunc(slices.Clone(writable), func(field string) bool { return slices.Contains(kept, field) })
	// Whoever may change only own records must not give them away.
	changeable := settable
	if effective(grant.Update, model) == access.ScopeOwn {
		relation, _, _ := strings.Cut(model.OwnerField, ".")
		changeable = slices.DeleteFunc(slices.Clone(settable), func(field string) bool { return field == of.key(relation) })
	}
	visible := readable
	if len(readable) > 0 {
		visible = append(slices.Clone(readable), emptyCollection)
		slices.Sort(visible)
	}
	planned := actions{}
	for _, verb := range []struct {
		name   string
		scope  access.Scope
		fields []string
	}{
		{view, grant.Read, visible}, {export, grant.Export, readable}, {create, grant.Create, settable}, {update, grant.Update, changeable},
	} {
		if scope := effective(verb.scope, model); scope != access.ScopeNone && len(verb.fields) > 0 {
			// NocoBase does not filter what is made.
			planned[verb.name] = action{Fields: verb.fields, Own: scope == access.ScopeOwn && verb.name != create}
		}
	}
	if scope := effective(grant.Delete, model); scope != access.ScopeNone {
		planned[destroy] = action{Own: scope == access.ScopeOwn}
	}
	return planned
}

// fieldsOf gives the fields that a grant shows and those that it lets set. What is said of a relation is said of its foreign key.
func fieldsOf(grant access.Grant, of collection) (readable, writable []string) {
	left := map[string]access.Access{}
	for _, rule := range grant.Fields {
		left[rule.Field] = rule.Access.Narrowest(left[rule.Field])
		for _, field := range of.Fields {
			if field.Name == rule.Field && field.belongs() {
				left[field.ForeignKey] = rule.Access.Narrowest(left[field.ForeignKey])
			}
		}
	}
	for _, field := range of.values() {
		switch left[field] {
		case access.AccessFull:
			readable, writable = append(readable, field), append(writable, field)
		case access.AccessReadOnly:
			readable = append(readable, field)
		}
	}
	return readable, writable
}

// ownFilter matches records whose owner asks.
func ownFilter(ownerField string) map[string]any {
	return map[string]any{ownerField: map[string]any{"$eq": "{{ctx.state.currentUser.id}}"}}
}

func ownScope(model string) string { return scopePrefix + "own " + model }

// sameJSON tells whether found is what planned is in JSON.
func sameJSON(found json.RawMessage, planned any) bool {
	var value any
	if json.Unmarshal(found, &value) != nil {
		return false
	}
	a, errA := json.Marshal(value)
	b, errB := json.Marshal(planned)
	return errA == nil && errB == nil && string(a) == string(b)
}
