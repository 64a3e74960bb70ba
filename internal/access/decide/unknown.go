package decide

import (
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// MostUnknownNames that are remembered. A CRM that lacks as many is not of the class, and nothing is written to it.
const MostUnknownNames = 50

func mismatch(unknown []string) error {
	if len(unknown) < MostUnknownNames {
		return nil
	}
	return outcome.Wait(v1alpha1.ReasonCatalogueMismatch, 0,
		"the CRM does not have %s and at least %d more names of the class's objects. Until the platform has corrected the class nothing new is enforced, and only leavers are put out",
		strings.Join(unknown[:3], ", "), MostUnknownNames-3)
}

// without leaves out of a plan the models and fields that the CRM does not have. A grant whose scope is lost with its field narrows.
func without(plan access.Plan, unknown []string) access.Plan {
	if len(unknown) == 0 {
		return plan
	}
	lacks := lacking(unknown)
	known := make(map[string]access.Model)
	var models []access.Model
	for _, m := range plan.Models {
		if lacks[m.Name] {
			continue
		}
		m.Fields = slices.DeleteFunc(slices.Clone(m.Fields), func(field string) bool { return lacks.field(m.Name, field) })
		if lacks.field(m.Name, m.OwnerField) {
			m.OwnerField = ""
		}
		if lacks.field(m.Name, m.TeamField) {
			m.TeamField = ""
		}
		models, known[m.Name] = append(models, m), m
	}
	plan.Models = models
	plan.Roles = slices.Clone(plan.Roles)
	for i := range plan.Roles {
		plan.Roles[i].Grants = grantsOn(known, lacks, plan.Roles[i].Grants)
	}
	return plan
}

func grantsOn(known map[string]access.Model, lacks names, grants []access.Grant) []access.Grant {
	var kept []access.Grant
	for _, g := range grants {
		m, ok := known[g.Model]
		if !ok {
			continue
		}
		for _, verb := range access.Verbs {
			scope := g.Scope(verb)
			*scope = withFields(&m, *scope)
		}
		g.Fields = slices.DeleteFunc(slices.Clone(g.Fields), func(f access.FieldAccess) bool { return lacks.field(g.Model, f.Field) })
		kept = append(kept, g)
	}
	return kept
}

// withFields is the widest scope within the given one that the model has a field for.
func withFields(m *access.Model, scope access.Scope) access.Scope {
	if scope == access.ScopeTeam && m.TeamField == "" {
		scope = access.ScopeOwn
	}
	if scope == access.ScopeOwn && m.OwnerField == "" {
		scope = access.ScopeNone
	}
	return scope
}

// names of models, and of fields with their model's.
type names map[string]bool

func lacking(unknown []string) names {
	n := make(names, len(unknown))
	for _, name := range unknown {
		n[name] = true
	}
	return n
}

// field tells whether a model's field is among them. Of a field of a related record, such as "employee.user", the first part is the model's.
func (n names) field(model, field string) bool {
	own, _, _ := strings.Cut(field, ".")
	return field != "" && (n[model+"."+field] || n[model+"."+own])
}
