package compile

import (
	"cmp"
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// Binding of a person to a role, as a policy declares it.
type Binding struct {
	// Role is "<policy>.<role>".
	Role string
	// ExpiresAt is when it ends, or has ended. Zero: never.
	ExpiresAt time.Time
	// Reason that the policy gives.
	Reason string
}

func (b Binding) compare(o Binding) int {
	return cmp.Or(cmp.Compare(b.Role, o.Role), b.ExpiresAt.Compare(o.ExpiresAt), cmp.Compare(b.Reason, o.Reason))
}

// Bindings of everybody whom the policies name, by login. Those that have expired are among them; Held has those that hold.
func (p *Program) Bindings() map[string][]Binding {
	all := make(map[string][]Binding)
	for _, policy := range p.policies {
		for i := range policy.Spec.Bindings {
			p.declare(all, policy, &policy.Spec.Bindings[i])
		}
	}
	for login, bindings := range all {
		slices.SortFunc(bindings, Binding.compare)
		all[login] = slices.Compact(bindings)
	}
	return all
}

func (p *Program) declare(all map[string][]Binding, policy *v1alpha1.CRMRolePolicy, b *v1alpha1.RoleBinding) {
	declared := Binding{Role: access.RoleName(policy.Name, b.Role), Reason: b.Reason}
	if p.roles[declared.Role] == nil {
		return
	}
	if b.ExpiresAt != nil {
		declared.ExpiresAt = b.ExpiresAt.UTC()
	}
	for _, s := range b.Subjects {
		if s.Kind == "User" && !p.Reserved(s.Name) {
			all[s.Name] = append(all[s.Name], declared)
		}
	}
}

// Reserved tells whether an account is the CRM's own administrator or crmkeep's: no policy may bind it.
func (p *Program) Reserved(login string) bool { return p.isExempt(login) }
