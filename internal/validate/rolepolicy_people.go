package validate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// builtIn are accounts that products come with.
var builtIn = []string{"admin", "administrator", "root", "system"}

// subjects checks each person whom a policy names.
func subjects(p *v1alpha1.CRMRolePolicy, class *v1alpha1.CRMClass) []error {
	reserved := make(map[string]bool)
	for _, login := range slices.Concat(access.ReservedLogins(class), builtIn) {
		for _, look := range looks(login) {
			reserved[look] = true
		}
	}
	isReserved := func(look string) bool { return reserved[look] }
	var problems []error
	for i := range p.Spec.Bindings {
		for j, s := range p.Spec.Bindings[i].Subjects {
			problem := nameProblem(s)
			if problem == "" && slices.ContainsFunc(looks(s.Name), isReserved) {
				problem = fmt.Sprintf("%s is, or looks like, an account of the CRM's administrator or of crmkeep; name the person's own account", quote(s.Name))
			}
			if problem != "" {
				problems = append(problems, fmt.Errorf("spec.bindings[%d].subjects[%d]: %s", i, j, problem))
			}
		}
	}
	return problems
}

// nameProblem says what is wrong with a subject by itself. Quotes, spaces and letters of any one script are fine.
func nameProblem(s v1alpha1.Subject) string {
	const longest = 200
	switch {
	case s.Kind != "User":
		return fmt.Sprintf("%s has kind %s, and who is in a group is not known to the CRM; name the people, with kind User", quote(s.Name), quote(s.Kind))
	case s.Name == "" || strings.TrimSpace(s.Name) != s.Name:
		return quote(s.Name) + " is empty, or begins or ends with a space; write the account's name alone"
	case utf8.RuneCountInString(s.Name) > longest:
		return fmt.Sprintf("%s is longer than %d characters; use a shorter account name", quote(s.Name), longest)
	case !utf8.ValidString(s.Name) || strings.ContainsFunc(s.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return quote(s.Name) + " has characters that cannot be seen; write the name without them"
	case mixesScripts(s.Name):
		return quote(s.Name) + " mixes letters of scripts that can be taken for one another; write it in one script"
	}
	return ""
}

// lookalikes finds accounts of the environment whose names a person could not tell apart.
func lookalikes(p *v1alpha1.CRMRolePolicy, peers []*v1alpha1.CRMRolePolicy) []error {
	byLook := make(map[string][]account)
	for _, peer := range peers {
		for login := range logins(peer, func(*v1alpha1.RoleBinding) bool { return true }) {
			for _, look := range looks(login) {
				byLook[look] = append(byLook[look], account{login, peer.Name})
			}
		}
	}
	pairs := make(map[string]bool)
	for _, same := range byLook {
		slices.SortFunc(same, account.compare)
		for _, mine := range same {
			other := slices.IndexFunc(same, func(a account) bool { return a.login != mine.login })
			if mine.policy == p.Name && other >= 0 {
				pairs[mine.beside(same[other])] = true
			}
		}
	}
	var problems []error
	for _, pair := range sortedNames(pairs) {
		problems = append(problems, fmt.Errorf("spec.bindings: %s differ in nothing but case or in letters that look alike; write the account in one way, "+
			"or rename one of them", pair))
	}
	return problems
}

// account is a login by the policy that names it.
type account struct{ login, policy string }

func (a account) compare(o account) int {
	return cmp.Or(cmp.Compare(a.login, o.login), cmp.Compare(a.policy, o.policy))
}

// beside tells of two accounts. Within one policy, both ways round read the same.
func (a account) beside(o account) string {
	if o.policy != a.policy {
		return fmt.Sprintf("%s and %s of policy %s", quote(a.login), quote(o.login), o.policy)
	}
	return fmt.Sprintf("%s and %s", quote(min(a.login, o.login)), quote(max(a.login, o.login)))
}

// crowd keeps the people of an environment, and what they hold together, within bounds.
func crowd(peers []*v1alpha1.CRMRolePolicy, now time.Time) []error {
	if n := subjectsOf(peers); n > mostSubjects {
		return []error{fmt.Errorf("spec.bindings: with the other policies they have %d subjects in one environment, and may have %d; remove those that have "+
			"expired or are there twice, or spread them over environments", n, mostSubjects)}
	}
	held := make(map[string]string)
	for _, peer := range peers {
		for login, roles := range logins(peer, func(b *v1alpha1.RoleBinding) bool { return access.Holds(b, now) }) {
			held[login] += peer.Name + "." + strings.Join(sortedNames(roles), "+") + " "
		}
	}
	combinations := make(map[string]bool)
	for _, roles := range held {
		combinations[roles] = true
	}
	var problems []error
	if len(held) > mostPeople {
		problems = append(problems, fmt.Errorf("spec.bindings: with the other policies they name %d people in one environment, and may name %d; spread them over environments",
			len(held), mostPeople))
	}
	if len(combinations) > mostCombinations {
		problems = append(problems, fmt.Errorf("spec.bindings: with the other policies people hold %d combinations of roles, and may hold %d; declare roles that inherit what "+
			"is often held together", len(combinations), mostCombinations))
	}
	return problems
}

// subjectsOf counts without looking at the names: a hundred policies can name millions, and each of them is checked against the others.
func subjectsOf(peers []*v1alpha1.CRMRolePolicy) (n int) {
	for _, p := range peers {
		for i := range p.Spec.Bindings {
			n += len(p.Spec.Bindings[i].Subjects)
		}
	}
	return n
}

// logins gives the people of a policy's bindings, and the roles that they are given.
func logins(p *v1alpha1.CRMRolePolicy, counts func(*v1alpha1.RoleBinding) bool) map[string]map[string]bool {
	people := make(map[string]map[string]bool)
	for i := range p.Spec.Bindings {
		b := &p.Spec.Bindings[i]
		if !counts(b) {
			continue
		}
		for _, s := range b.Subjects {
			if people[s.Name] == nil {
				people[s.Name] = make(map[string]bool)
			}
			people[s.Name][b.Role] = true
		}
	}
	return people
}
