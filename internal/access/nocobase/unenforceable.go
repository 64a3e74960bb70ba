package nocobase

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/crmkeep/crmkeep/internal/access"
)

// Unenforceable implements access.Adapter.
func (Adapter) Unenforceable(plan access.Plan) []access.NotEnforced {
	models := map[string]access.Model{}
	for _, model := range plan.Models {
		models[model.Name] = model
	}
	var found []access.NotEnforced
	for i := range plan.Roles {
		role := &plan.Roles[i]
		for _, reason := range roleReasons(role, plan.Models) {
			found = append(found, access.NotEnforced{Role: role.Name, Reason: reason})
		}
		for _, grant := range role.Grants {
			for _, reason := range slices.Concat(scopeReasons(grant, models[grant.Model]), bulkReasons(grant), fieldReasons(grant, models[grant.Model])) {
				found = append(found, access.NotEnforced{Role: role.Name, Model: grant.Model, Reason: reason})
			}
		}
	}
	slices.SortFunc(found, func(a, b access.NotEnforced) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(found)
}

// roleReasons lists what holds for a role as a whole.
func roleReasons(role *access.Role, models []access.Model) []string {
	var reasons []string
	if role.Session != (access.Session{}) {
		reasons = append(reasons, "session: NocoBase has one token policy for all accounts, which holds in its place; set it in the class")
	}
	reading := slices.ContainsFunc(role.Grants, func(g access.Grant) bool { return g.Read != access.ScopeNone })
	everything := !slices.ContainsFunc(models, func(m access.Model) bool {
		return !slices.ContainsFunc(role.Grants, func(g access.Grant) bool { return g.Model == m.Name && g.Read == access.ScopeAll })
	})
	if reading && !everything {
		reasons = append(reasons, "read: NocoBase shows no record that the role may not read, but whoever may read a record finds it by "+
			"any field of the records that it is related to, and can guess their values so; keep what must stay secret out of related collections")
	}
	return reasons
}

func scopeReasons(grant access.Grant, model access.Model) []string {
	var reasons []string
	scopes := []access.Scope{grant.Read, grant.Create, grant.Update, grant.Delete, grant.Export}
	if slices.Contains(scopes, access.ScopeTeam) {
		reasons = append(reasons, "scope Team: NocoBase has no teams; own records only, if the class names an ownerField, and none otherwise")
	}
	if slices.Contains(scopes, access.ScopeOwn) && model.OwnerField == "" {
		reasons = append(reasons, "scope Own: the class names no ownerField for it; no records in its place")
	}
	byMaker := model.OwnerField == "createdBy" || model.OwnerField == "createdById"
	if effective(grant.Create, model) == access.ScopeOwn && !byMaker {
		reasons = append(reasons, "create: NocoBase does not check whose a new record is, so it can be made for somebody else; take createdBy for ownerField")
	}
	return reasons
}

// bulkReasons lists what NocoBase cannot do with many records at once.
func bulkReasons(grant access.Grant) []string {
	var reasons []string
	if !grant.Export.Includes(grant.Read) {
		reasons = append(reasons, "export: NocoBase refuses its export, but whoever may read records can list them all through its API; narrow the scope of read, or hide the fields")
	}
	if grant.ExportMaxRows != 0 {
		reasons = append(reasons, "export: NocoBase does not count rows by role; no limit holds but that of its EXPORT_LIMIT for everybody")
	}
	if grant.Import != access.ScopeNone {
		reasons = append(reasons, "import: crmkeep has not proven which records NocoBase's import changes; it is denied, and records are created one by one")
	}
	return reasons
}

func fieldReasons(grant access.Grant, model access.Model) []string {
	var reasons []string
	for _, rule := range grant.Fields {
		if rule.Access == access.AccessMasked {
			reasons = append(reasons, fmt.Sprintf("field %s: NocoBase cannot mask; it is hidden", rule.Field))
		}
		if rule.Access != access.AccessMasked && rule.Access != access.AccessHidden {
			continue
		}
		if effective(grant.Read, model) != access.ScopeNone {
			reasons = append(reasons, fmt.Sprintf("field %s: NocoBase does not show it, but finds and sorts records by it, so its values can be guessed", rule.Field))
		}
		if effective(grant.Update, model) != access.ScopeNone {
			reasons = append(reasons, fmt.Sprintf("field %s: NocoBase's answer to whoever changes a record has all of its fields; grant no update to whom it must not be shown", rule.Field))
		}
	}
	return reasons
}
