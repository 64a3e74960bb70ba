package validate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// separation finds people who hold roles that one of the policies keeps apart. A role's name is a duty: it is kept apart from those of the
// other policies of the environment, too, or a second policy would be the way around the first. Every policy that has a part in it is
// refused.
func separation(p *v1alpha1.CRMRolePolicy, peers []*v1alpha1.CRMRolePolicy, now time.Time) []error {
	people := make(map[string]duties)
	for _, peer := range peers {
		addDuties(people, peer, now)
	}
	var problems []error
	for _, peer := range peers {
		for i := range peer.Spec.Separation {
			s := &peer.Spec.Separation[i]
			if who := violators(p, peer, s, people); len(who) > 0 {
				problems = append(problems, fmt.Errorf("%s keeps %s apart, and %s; take all but one of the roles from each of them",
					separationField(p, peer, i), list(s.Roles), strings.Join(shorten(who, 10, "people"), "; ")))
			}
		}
	}
	return problems
}

// duties are the roles of a person by their bare names, each with the policies that give it.
type duties map[string][]string

func addDuties(people map[string]duties, policy *v1alpha1.CRMRolePolicy, now time.Time) {
	declared := access.Roles(policy)
	for login, roles := range logins(policy, func(b *v1alpha1.RoleBinding) bool { return access.Holds(b, now) }) {
		if people[login] == nil {
			people[login] = make(duties)
		}
		for role := range roles {
			for _, duty := range declared.WithInherited(role) {
				if !slices.Contains(people[login][duty], policy.Name) {
					people[login][duty] = append(people[login][duty], policy.Name)
				}
			}
		}
	}
}

// violators tells of each person who holds several of the roles, if p has a part in it.
func violators(p, declaring *v1alpha1.CRMRolePolicy, s *v1alpha1.SeparationOfDuties, people map[string]duties) []string {
	var who []string
	for _, login := range sortedNames(people) {
		var held []string
		concerned := declaring == p
		for _, role := range s.Roles {
			if policies := people[login][role]; len(policies) > 0 {
				held = append(held, fmt.Sprintf("%s (%s)", role, strings.Join(policies, ", ")))
				concerned = concerned || slices.Contains(policies, p.Name)
			}
		}
		if concerned && len(held) > 1 {
			who = append(who, fmt.Sprintf("%s holds %s", quote(login), strings.Join(held, " and ")))
		}
	}
	return who
}

func separationField(p, declaring *v1alpha1.CRMRolePolicy, i int) string {
	field := fmt.Sprintf("spec.separation[%d] %s", i, quote(declaring.Spec.Separation[i].Name))
	if declaring != p {
		field += " of policy " + declaring.Name
	}
	return field
}
