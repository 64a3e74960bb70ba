package decide

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/validate"
)

const (
	// mostPolicies that may name one environment: its status has room for as many.
	mostPolicies = 100
	// longestMessage of a policy's state, in characters.
	longestMessage = 2000
)

// holding are the policies that hold in the environment, oldest first. Nobody logs in to a drill's.
func holding(all []*v1alpha1.CRMRolePolicy, env *v1alpha1.CRMEnvironment) []*v1alpha1.CRMRolePolicy {
	var named []*v1alpha1.CRMRolePolicy
	for _, p := range all {
		if access.In(p, env.Name) && env.Spec.Purpose != v1alpha1.PurposeDrill {
			named = append(named, p)
		}
	}
	slices.SortFunc(named, func(a, b *v1alpha1.CRMRolePolicy) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	return named
}

// pending lists the policies by name before anything is known of them. Of too many, the newest have the places: they are what is refused.
func pending(named []*v1alpha1.CRMRolePolicy) []v1alpha1.AccessPolicyStatus {
	var states []v1alpha1.AccessPolicyStatus
	for _, p := range named[max(0, len(named)-mostPolicies):] {
		states = append(states, v1alpha1.AccessPolicyStatus{Name: p.Name, Generation: p.Generation, State: v1alpha1.AccessPending})
	}
	slices.SortFunc(states, func(a, b v1alpha1.AccessPolicyStatus) int { return strings.Compare(a.Name, b.Name) })
	return states
}

// refuse marks the policies that mean nothing or something forbidden, and those beyond mostPolicies, and tells whether there are any.
func refuse(states []v1alpha1.AccessPolicyStatus, named []*v1alpha1.CRMRolePolicy, in *compile.Input) bool {
	problems := make(map[string]string)
	for i, p := range named {
		if i >= mostPolicies {
			problems[p.Name] = fmt.Sprintf("spec.environments: %d older policies name %s, and it may have %d; merge some into one",
				i, in.Environment, mostPolicies)
			continue
		}
		if refused, ok := outcome.AsInvalid(validate.RolePolicy(p, in)); ok {
			problems[p.Name] = shorten(refused.Message, longestMessage)
		}
	}
	for i := range states {
		if message, ok := problems[states[i].Name]; ok {
			states[i].State, states[i].Message = v1alpha1.AccessRefused, message
		}
	}
	return len(problems) > 0
}

// bound is everybody whom a policy binds now, valid or not, and when the next of the bindings ends.
func bound(named []*v1alpha1.CRMRolePolicy, exempt []string, now time.Time) (people []access.Person, next time.Time) {
	var logins []string
	for _, p := range named {
		for i := range p.Spec.Bindings {
			b := &p.Spec.Bindings[i]
			if !access.Holds(b, now) {
				continue
			}
			if b.ExpiresAt != nil {
				next = earlier(next, b.ExpiresAt.UTC())
			}
			for _, s := range b.Subjects {
				if s.Kind == "User" && !slices.Contains(exempt, s.Name) {
					logins = append(logins, s.Name)
				}
			}
		}
	}
	slices.Sort(logins)
	for _, login := range slices.Compact(logins) {
		people = append(people, access.Person{Login: login, DisplayName: login})
	}
	return people, next
}

// AnyUnbound tells whether somebody is among the plan's people whom no policy binds any more.
func AnyUnbound(plan *access.Plan, env *v1alpha1.CRMEnvironment, policies []*v1alpha1.CRMRolePolicy, now time.Time) bool {
	people, _ := bound(holding(policies, env), plan.Exempt, now)
	among := make(map[string]bool, len(people))
	for i := range people {
		among[people[i].Login] = true
	}
	return slices.ContainsFunc(plan.People, func(p access.Person) bool { return !among[p.Login] })
}

// EndedAt is when a person's last binding ended who is bound no more: at the binding's own end, if that came after since, else when the
// change was seen.
func EndedAt(policies []*v1alpha1.CRMRolePolicy, environment, login string, since, seen time.Time) time.Time {
	ended := time.Time{}
	for _, p := range policies {
		if !access.In(p, environment) {
			continue
		}
		for i := range p.Spec.Bindings {
			b := &p.Spec.Bindings[i]
			names := func(s v1alpha1.Subject) bool { return s.Name == login }
			if b.ExpiresAt != nil && b.ExpiresAt.After(since) && !b.ExpiresAt.After(seen) && b.ExpiresAt.After(ended) &&
				slices.ContainsFunc(b.Subjects, names) {
				ended = b.ExpiresAt.Time
			}
		}
	}
	if ended.IsZero() {
		return seen
	}
	return ended
}

func shorten(text string, longest int) string {
	if characters := []rune(text); len(characters) > longest {
		return string(characters[:longest-1]) + "…"
	}
	return text
}
