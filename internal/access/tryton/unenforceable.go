package tryton

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
		found = append(found, unenforceableOf(role)...)
		for _, grant := range role.Grants {
			for _, reason := range slices.Concat(scopeReasons(grant, models[grant.Model]), fieldReasons(role, grant), parentReasons(role, grant, models)) {
				found = append(found, access.NotEnforced{Role: role.Name, Model: grant.Model, Reason: reason})
			}
		}
	}
	slices.SortFunc(found, func(a, b access.NotEnforced) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(found)
}

// unenforceableOf lists what holds for a role as a whole.
func unenforceableOf(role *access.Role) []access.NotEnforced {
	var found []access.NotEnforced
	if role.Session != (access.Session{}) {
		found = append(found, access.NotEnforced{Role: role.Name,
			Reason: "session: Tryton has one limit for all accounts; the [session] section of trytond.conf in the class holds in its place"})
	}
	exporting, importing := false, false
	for _, grant := range role.Grants {
		exporting = exporting || width(grant.Export) < width(grant.Read) || grant.ExportMaxRows != 0
		importing = importing || width(grant.Import) < max(width(grant.Create), width(grant.Update))
	}
	if exporting {
		found = append(found, access.NotEnforced{Role: role.Name,
			Reason: "export: in Tryton whoever may read records may export them, in any number; narrow the scope of read, or hide the fields"})
	}
	if importing {
		found = append(found, access.NotEnforced{Role: role.Name,
			Reason: "import: in Tryton whoever may create or update records may import them; grant neither to who must not"})
	}
	return found
}

func width(scope access.Scope) int {
	return slices.Index([]access.Scope{access.ScopeNone, access.ScopeOwn, access.ScopeTeam, access.ScopeAll}, scope)
}

func scopeReasons(grant access.Grant, model access.Model) []string {
	var reasons []string
	scopes := []access.Scope{grant.Read, grant.Create, grant.Update, grant.Delete}
	if slices.Contains(scopes, access.ScopeTeam) && model.TeamField == "" {
		reasons = append(reasons, "scope Team: the class names no teamField for it; own records only, if it has an ownerField, and none otherwise")
	}
	if slices.Contains(scopes, access.ScopeOwn) && model.OwnerField == "" {
		reasons = append(reasons, "scope Own: the class names no ownerField for it; no records in its place")
	}
	return reasons
}

func fieldReasons(role *access.Role, grant access.Grant) []string {
	var reasons []string
	for _, rule := range grant.Fields {
		name := grant.Model + "." + rule.Field
		if rule.Access == access.AccessMasked {
			reasons = append(reasons, fmt.Sprintf("field %s: Tryton cannot mask; it is hidden", rule.Field))
		}
		if rule.Access != access.AccessMasked && rule.Access != access.AccessHidden {
			continue
		}
		if party := grantOf(role, partyModel); slices.Contains(foundByName, name) && party != nil && party.Read != access.ScopeNone {
			reasons = append(reasons, fmt.Sprintf("field %s: it is not shown, but parties are found by it in the search for names", rule.Field))
		}
		if on := printed[grant.Model]; readable(role, on) == access.AccessFull && on != "" {
			reasons = append(reasons, fmt.Sprintf("field %s: it is not shown, but it may be on what Tryton prints of the record", rule.Field))
		}
	}
	return reasons
}

// parentReasons lists what the role may do with a child because it may do it with the child's parent.
func parentReasons(role *access.Role, grant access.Grant, models map[string]access.Model) []string {
	var reasons []string
	for _, child := range children(grant.Model, models) {
		var own access.Grant
		if g := grantOf(role, child); g != nil {
			own = *g
		}
		if wider(grant, own) {
			reasons = append(reasons, fmt.Sprintf("%s: in Tryton, whoever may do something with %s may do it with this part of it; grant it too", child, grant.Model))
		}
	}
	return reasons
}

func children(model string, models map[string]access.Model) []string {
	var found []string
	for child := range parents {
		if _, planned := models[child]; planned && lends(model, child) {
			found = append(found, child)
		}
	}
	slices.Sort(found)
	return found
}

func wider(a, b access.Grant) bool {
	return width(a.Read) > width(b.Read) || width(a.Create) > width(b.Create) || width(a.Update) > width(b.Update) || width(a.Delete) > width(b.Delete)
}
