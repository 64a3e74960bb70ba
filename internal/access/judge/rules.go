package judge

import (
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/facts"
)

// together are the policy and those that its roles are combined with, as far as they bind its people: what of a combination is not enforced,
// neither of them tells by itself. The environment has them among what is valid.
func together(p *v1alpha1.CRMRolePolicy, in *facts.PolicyEnvironment, policies []*v1alpha1.CRMRolePolicy, now time.Time) []*v1alpha1.CRMRolePolicy {
	ours := people(p, now)
	all := []*v1alpha1.CRMRolePolicy{p}
	for _, other := range policies {
		if other.Name == p.Name || !valid(other, in) {
			continue
		}
		if bindings := among(other.Spec.Bindings, ours); len(bindings) > 0 {
			theirs := *other
			theirs.Spec.Bindings = bindings
			all = append(all, &theirs)
		}
	}
	return all
}

// among gives bindings as far as they bind these people.
func among(bindings []v1alpha1.RoleBinding, people map[string]bool) []v1alpha1.RoleBinding {
	var all []v1alpha1.RoleBinding
	for _, b := range bindings {
		b.Subjects = slices.DeleteFunc(slices.Clone(b.Subjects), func(s v1alpha1.Subject) bool { return !people[s.Name] })
		if len(b.Subjects) > 0 {
			all = append(all, b)
		}
	}
	return all
}

// valid tells whether the environment has looked at the policy as it is declared now, and not refused it.
func valid(p *v1alpha1.CRMRolePolicy, in *facts.PolicyEnvironment) bool {
	known := in.Environment.Status.Access
	return known != nil && slices.ContainsFunc(known.Policies, func(s v1alpha1.AccessPolicyStatus) bool {
		return s.Name == p.Name && s.Generation == p.Generation && s.State != v1alpha1.AccessRefused
	})
}

// people whom a policy binds now.
func people(p *v1alpha1.CRMRolePolicy, now time.Time) map[string]bool {
	logins := make(map[string]bool)
	for i := range p.Spec.Bindings {
		b := &p.Spec.Bindings[i]
		if !access.Holds(b, now) {
			continue
		}
		for _, s := range b.Subjects {
			logins[s.Name] = true
		}
	}
	return logins
}

// lesser marks the rules that what is not enforced is about. What is about no object is about the role as a whole.
func lesser(p *v1alpha1.CRMRolePolicy, notEnforced []v1alpha1.NotEnforcedRule) map[string][]bool {
	declared := access.Roles(p)
	marks := make(map[string][]bool)
	for _, n := range notEnforced {
		rules := declared.Rules(n.Role)
		if marks[n.Role] == nil {
			marks[n.Role] = make([]bool, len(rules))
		}
		for i, rule := range rules {
			about := func(object string) bool { return slices.Contains(n.Objects, object) }
			if len(n.Objects) == 0 || slices.ContainsFunc(rule.Objects, about) {
				marks[n.Role][i] = true
			}
		}
	}
	return marks
}
