package tryton

import "github.com/crmkeep/crmkeep/internal/access"

// adminGroup is Tryton's own group of administrators, as its modules refer to it.
var adminGroup = dataRef{Module: "res", Name: "group_admin"}

// diffRoles empties the roles of Tryton's module user_role: anybody may take one on in the preferences, and has its groups then.
func diffRoles(o *observed) []change {
	var changes []change
	for _, role := range o.Roles {
		changes = append(changes, change{Stage: narrow, Operation: write, Model: "res.role", ID: role.ID, Values: map[string]any{"groups": []any{take(role.Groups)}},
			Difference: access.Difference{Subject: "Tryton's role " + role.Name, Found: "groups that everybody can take on", Planned: "no groups"}})
	}
	return changes
}

// diffWizards leaves to Tryton's administrators what it would let anybody run. Wizards work without regard to the rights of who runs them. Tryton
// asks for the right to the model that a wizard is made for; with one that is made for none, such as that which makes accounts, it asks nothing.
func diffWizards(o *observed) []change {
	var changes []change
	for _, wizard := range o.Wizards {
		changes = append(changes, change{Stage: narrow, Operation: write, Model: "ir.action.wizard", ID: wizard.ID,
			Values:     map[string]any{"groups": []any{add([]any{adminGroup})}},
			Difference: access.Difference{Subject: "wizard " + wizard.Name, Found: "for everybody", Planned: "for Tryton's administrators"}})
	}
	return changes
}
