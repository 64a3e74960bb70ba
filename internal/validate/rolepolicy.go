package validate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Limits of what a policy may come to. They are far above what an organisation declares, and keep a hostile policy from costing more
// than a moment.
const (
	// mostRights of one policy: rules times native models times verbs and fields, in each role that has them.
	mostRights = 100_000
	// mostPeople of one environment.
	mostPeople = 10_000
	// mostSubjects in bindings of one environment.
	mostSubjects = 100_000
	// mostCombinations of roles that people of one environment hold together.
	mostCombinations = 1_000
)

// RolePolicy checks a role policy against the class of one of its environments, and against the other policies that hold there. A policy is
// refused as a whole: half a policy may grant what the other half was to deny. The error is an outcome.Invalid.
func RolePolicy(p *v1alpha1.CRMRolePolicy, in *compile.Input) error {
	peers := peersOf(p, in)
	problems := slices.Concat(roleNames(p), ruleProblems(p, in.Class))
	if len(problems) == 0 {
		problems = slices.Concat(expansion(p, in.Class), subjects(p, in.Class))
	}
	if len(problems) == 0 {
		problems = crowd(peers, in.Now)
	}
	if len(problems) == 0 {
		problems = slices.Concat(lookalikes(p, peers), separation(p, peers, in.Now))
	}
	if len(problems) == 0 {
		return nil
	}
	return outcome.Reject(v1alpha1.ReasonInvalid, "%s", errors.Join(first(problems)...))
}

// peersOf are the policies that hold in the environment, p among them.
func peersOf(p *v1alpha1.CRMRolePolicy, in *compile.Input) []*v1alpha1.CRMRolePolicy {
	peers := []*v1alpha1.CRMRolePolicy{p}
	for _, other := range in.Policies {
		if other.Name != p.Name && access.In(other, in.Environment) {
			peers = append(peers, other)
		}
	}
	slices.SortFunc(peers, func(a, b *v1alpha1.CRMRolePolicy) int { return strings.Compare(a.Name, b.Name) })
	return peers
}

// first of the problems: a condition has room for some, and a person for fewer.
func first(problems []error) []error {
	const shown = 10
	if len(problems) <= shown {
		return problems
	}
	return append(slices.Clone(problems[:shown]), fmt.Errorf("and %d more problems", len(problems)-shown))
}

// roleName is what the API server asks of a name. A policy that is read from a file has not been there.
var roleName = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

// roleNames checks the names of roles, and that every mention of a role is one.
func roleNames(p *v1alpha1.CRMRolePolicy) []error {
	var problems []error
	declared := access.Roles(p)
	names := sortedNames(declared)
	mention := func(field, name string) {
		if declared[name] == nil {
			problems = append(problems, fmt.Errorf("%s: %s is not one of spec.roles%s", field, quote(name), suggestion(name, names)))
		}
	}
	seen := make(map[string]bool)
	for i, r := range p.Spec.Roles {
		field := fmt.Sprintf("spec.roles[%d]", i)
		switch {
		case !roleName.MatchString(r.Name):
			problems = append(problems, fmt.Errorf("%s.name: %s must be lower-case letters, digits and hyphens, and begin with a letter", field, quote(r.Name)))
		case seen[r.Name]:
			problems = append(problems, fmt.Errorf("%s.name: %s is declared twice; give each role its own name", field, quote(r.Name)))
		}
		seen[r.Name] = true
		for _, parent := range r.Inherits {
			mention(field+".inherits", parent)
		}
	}
	for i, b := range p.Spec.Bindings {
		mention(fmt.Sprintf("spec.bindings[%d].role", i), b.Role)
	}
	for i, s := range p.Spec.Separation {
		for _, name := range s.Roles {
			mention(fmt.Sprintf("spec.separation[%d].roles", i), name)
		}
	}
	return append(problems, cycle(declared)...)
}

// cycle finds roles that inherit themselves by way of others.
func cycle(declared access.DeclaredRoles) []error {
	var within []string
	for _, name := range sortedNames(declared) {
		inheritsItself := func(parent string) bool { return slices.Contains(declared.WithInherited(parent), name) }
		if slices.ContainsFunc(declared[name].Inherits, inheritsItself) {
			within = append(within, name)
		}
	}
	if len(within) == 0 {
		return nil
	}
	return []error{fmt.Errorf("spec.roles: %s inherit themselves in a circle; remove one of their inherits", strings.Join(within, ", "))}
}

// expansion keeps what a policy comes to within bounds, before anybody computes it.
func expansion(p *v1alpha1.CRMRolePolicy, class *v1alpha1.CRMClass) []error {
	native := make(map[string]int)
	for _, o := range class.Spec.Objects {
		native[o.Name] = len(o.Native)
	}
	own := make(map[string]int)
	for _, r := range p.Spec.Roles {
		for _, rule := range r.Rules {
			for _, object := range rule.Objects {
				own[r.Name] += native[object] * (len(rule.Verbs) + len(rule.Fields))
			}
		}
	}
	total, declared := 0, access.Roles(p)
	for name := range declared {
		for _, inherited := range declared.WithInherited(name) {
			total += own[inherited]
		}
	}
	if total <= mostRights {
		return nil
	}
	return []error{fmt.Errorf("spec.roles: together they come to %d rights and may come to %d; merge rules that say the same, or inherit less",
		total, mostRights)}
}
