package compile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// holdings are the roles of a person, by name, each with when it ends. Zero: never.
type holdings map[string]time.Time

func (p *Program) addPeople(policy *v1alpha1.CRMRolePolicy, now time.Time) {
	for i := range policy.Spec.Bindings {
		b := &policy.Spec.Bindings[i]
		name := access.RoleName(policy.Name, b.Role)
		if p.roles[name] == nil || !access.Holds(b, now) {
			continue
		}
		var until time.Time
		if b.ExpiresAt != nil {
			until = b.ExpiresAt.UTC()
			if p.next.IsZero() || until.Before(p.next) {
				p.next = until
			}
		}
		p.bind(b.Subjects, name, until)
	}
}

// bind gives people a role. Of two bindings the longer one holds.
func (p *Program) bind(subjects []v1alpha1.Subject, role string, until time.Time) {
	for _, s := range subjects {
		if s.Kind != "User" || p.isExempt(s.Name) {
			continue
		}
		held := p.people[s.Name]
		if held == nil {
			held = make(holdings)
			p.people[s.Name] = held
		}
		before, ok := held[role]
		if !ok || !before.IsZero() && (until.IsZero() || until.After(before)) {
			held[role] = until
		}
	}
}

// addShown notes what the policy says of people, where no policy before it does.
func (p *Program) addShown(policy *v1alpha1.CRMRolePolicy) {
	for _, person := range policy.Spec.People {
		known := p.shown[person.Name]
		known.DisplayName, known.Email = cmp.Or(known.DisplayName, person.DisplayName), cmp.Or(known.Email, person.Email)
		p.shown[person.Name] = known
	}
}

func (p *Program) isExempt(login string) bool {
	return slices.ContainsFunc(p.exempt, func(e string) bool { return strings.EqualFold(e, login) })
}

// sourcesOf lists what the roles consist of, each once.
func (p *Program) sourcesOf(roles []string) []*source {
	var all []*source
	for _, name := range roles {
		for _, s := range p.roles[name].sources {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// email is the login, if it is an address.
func email(login string) string {
	user, domain, ok := strings.Cut(login, "@")
	if !ok || user == "" || domain == "" || strings.ContainsAny(domain, "@ ") || strings.Contains(user, " ") {
		return ""
	}
	return login
}
