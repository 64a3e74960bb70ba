package access

import (
	"maps"
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// DeclaredRoles are the roles of a policy by name.
type DeclaredRoles map[string]*v1alpha1.Role

// Roles of a policy.
func Roles(policy *v1alpha1.CRMRolePolicy) DeclaredRoles {
	roles := make(DeclaredRoles, len(policy.Spec.Roles))
	for i := range policy.Spec.Roles {
		roles[policy.Spec.Roles[i].Name] = &policy.Spec.Roles[i]
	}
	return roles
}

// WithInherited lists a declared role and all that it inherits, directly or not, sorted. It ends in a cycle, too, and there is nothing of a
// role that is not declared.
func (d DeclaredRoles) WithInherited(name string) []string {
	if d[name] == nil {
		return nil
	}
	found, open := map[string]bool{name: true}, []string{name}
	for len(open) > 0 {
		r := d[open[0]]
		open = open[1:]
		for _, parent := range r.Inherits {
			if d[parent] != nil && !found[parent] {
				found[parent] = true
				open = append(open, parent)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Rules of a declared role and of all that it inherits, the same order each time.
func (d DeclaredRoles) Rules(name string) []*v1alpha1.RoleRule {
	var rules []*v1alpha1.RoleRule
	for _, of := range d.WithInherited(name) {
		for i := range d[of].Rules {
			rules = append(rules, &d[of].Rules[i])
		}
	}
	return rules
}

// Holds tells whether a binding has not expired.
func Holds(b *v1alpha1.RoleBinding, now time.Time) bool {
	return b.ExpiresAt == nil || b.ExpiresAt.After(now)
}

// ReservedLogins are those that no policy may name: crmkeep's own, and that of the CRM's administrator.
func ReservedLogins(class *v1alpha1.CRMClass) []string {
	logins := []string{OperatorLogin}
	if class.Spec.Admin != nil {
		logins = append(logins, class.Spec.Admin.Login)
	}
	slices.Sort(logins)
	return slices.Compact(logins)
}

// In tells whether a policy holds in an environment of its namespace.
func In(policy *v1alpha1.CRMRolePolicy, environment string) bool {
	return policy.DeletionTimestamp.IsZero() && slices.Contains(policy.Spec.Environments, environment)
}

// Governed tells whether somebody enforces role policies in an environment of the class. Nobody does without an adapter, or in a drill, which
// lets nobody in. What was enforced is until the CRM was brought to no policies.
func Governed(env *v1alpha1.CRMEnvironment, class *v1alpha1.CRMClass, policies []*v1alpha1.CRMRolePolicy) bool {
	if class == nil || class.Spec.Adapter == "" || env.Spec.Purpose == v1alpha1.PurposeDrill {
		return false
	}
	wasEnforced := env.Status.Access != nil && env.Status.Access.PlanDigest != ""
	return wasEnforced || slices.ContainsFunc(policies, func(p *v1alpha1.CRMRolePolicy) bool { return In(p, env.Name) })
}
