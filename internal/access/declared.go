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
