package tryton

import (
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// addFields adds rows for the fields to which some role has less than full access: one for everybody that allows nothing, and one for each role that
// may read it. A role's row allows only what the role may do with the model, as rows of several roles of an account are OR-ed.
func (d *desired) addFields(plan *access.Plan, models map[string]access.Model) {
	catalogue := fieldsOf(models)
	for i := range plan.Roles {
		for _, grant := range plan.Roles[i].Grants {
			for _, field := range catalogue[grant.Model] {
				if fieldAccess(&plan.Roles[i], grant.Model, field, models) != access.AccessFull {
					d.Fields[fieldKey{grant.Model, field, everybody}] = rights{}
				}
			}
		}
	}
	for key := range d.Fields {
		if key.Group != everybody || !d.Models[key.Model] {
			continue
		}
		for i := range plan.Roles {
			if allowed := fieldRights(&plan.Roles[i], key.Model, key.Field, models); allowed != (rights{}) {
				d.Fields[fieldKey{key.Model, key.Field, prefix + plan.Roles[i].Name}] = allowed
			}
		}
	}
}

// fieldsOf gives the fields of each model that a role can have less than full access to: those of the catalogue, and what Tryton computes from them
// or from other models of the plan.
func fieldsOf(models map[string]access.Model) map[string][]string {
	all := map[string][]string{}
	for _, model := range models {
		all[model.Name] = slices.Clone(model.Fields)
	}
	for computed := range sources {
		model, field := split(computed)
		if _, planned := models[model]; planned && !slices.Contains(all[model], field) {
			all[model] = append(all[model], field)
		}
	}
	return all
}

// split parts "model.field": names of models have dots, too.
func split(name string) (model, field string) {
	dot := strings.LastIndexByte(name, '.')
	return name[:dot], name[dot+1:]
}

// fieldAccess gives the access that a role with a grant on the model has to one of its fields: the narrowest of what is declared for the
// field and for what it is computed from.
func fieldAccess(role *access.Role, model, field string, models map[string]access.Model) access.Access {
	narrowest := declared(role, model, field)
	for _, source := range sources[model+"."+field] {
		if _, whole := models[source]; whole {
			narrowest = narrower(narrowest, readable(role, source))
			continue
		}
		of, name := split(source)
		if _, planned := models[of]; !planned {
			continue
		}
		narrowest = narrower(narrowest, readable(role, of))
		narrowest = narrower(narrowest, declared(role, of, name))
	}
	return narrowest
}

// declared gives what the role's grant says of a field.
func declared(role *access.Role, model, field string) access.Access {
	if grant := grantOf(role, model); grant != nil {
		for _, rule := range grant.Fields {
			if rule.Field == field {
				return rule.Access
			}
		}
	}
	return access.AccessFull
}

// readable gives the access to the values of a model whose own fields are left out of account.
func readable(role *access.Role, model string) access.Access {
	if grant := grantOf(role, model); grant == nil || grant.Read == access.ScopeNone {
		return access.AccessHidden
	}
	return access.AccessFull
}

func grantOf(role *access.Role, model string) *access.Grant {
	for i := range role.Grants {
		if role.Grants[i].Model == model {
			return &role.Grants[i]
		}
	}
	return nil
}

var widths = map[access.Access]int{access.AccessFull: 0, access.AccessReadOnly: 1, access.AccessMasked: 2, access.AccessHidden: 3}

func narrower(a, b access.Access) access.Access {
	if widths[b] > widths[a] {
		return b
	}
	return a
}

// fieldRights gives the columns of a role's row for a field.
func fieldRights(role *access.Role, model, field string, models map[string]access.Model) rights {
	grant := grantOf(role, model)
	if grant == nil {
		return rights{}
	}
	may := verbs(*grant, models[model])
	switch fieldAccess(role, model, field, models) {
	case access.AccessFull:
		// For fields that hold records, the other columns say whether records may be added and taken out.
		write := may.Write || may.Create
		return rights{Read: may.Read, Write: write, Create: write, Delete: write}
	case access.AccessReadOnly:
		return rights{Read: may.Read}
	default:
		// Tryton has no masking: what is masked is hidden.
		return rights{}
	}
}
