package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// NotEnforced lists the rules that the class has no means for, by declared role. What holds in their place is stricter. What the
// product itself cannot enforce, the adapter adds.
func (p *Program) NotEnforced() []access.NotEnforced {
	var all []access.NotEnforced
	for _, name := range sortedKeys(p.roles) {
		if p.class.Spec.Adapter == "" {
			all = append(all, access.NotEnforced{Role: name, Reason: fmt.Sprintf(
				"class %s has no adapter, so nothing of the role is enforced in the product; use a class that has one", p.class.Name)})
		}
		for _, s := range p.roles[name].sources {
			for _, l := range s.lacking {
				all = append(all, access.NotEnforced{Role: name, Object: l.object, Reason: l.reason})
			}
		}
	}
	return sortNotEnforced(all)
}

// ByPolicy gives what is not enforced as the statuses of policies show it, by the policies' names. What is not enforced of a role of several
// counts for those of them that speak of the object.
func (p *Program) ByPolicy(environment string, plan *access.Plan, notEnforced []access.NotEnforced) map[string][]v1alpha1.NotEnforcedRule {
	declared := make(map[string][]string)
	for _, r := range plan.Roles {
		declared[r.Name] = r.Of
		if len(r.Of) == 0 {
			declared[r.Name] = []string{r.Name}
		}
	}
	type about struct {
		role, model, reason string
		whole               bool
	}
	objects, known := p.objects.ofModels(), make(map[about]int)
	all := make(map[string][]v1alpha1.NotEnforcedRule)
	for _, n := range sortNotEnforced(slices.Clone(notEnforced)) {
		object := cmp.Or(n.Object, objects[n.Model])
		for _, name := range p.concerned(declared[n.Role], object) {
			policy, role, _ := strings.Cut(name, ".")
			key := about{name, n.Model, n.Reason, object == ""}
			i, ok := known[key]
			if !ok || len(all[policy][i].Objects) == mostObjects {
				i = len(all[policy])
				known[key] = i
				all[policy] = append(all[policy], v1alpha1.NotEnforcedRule{
					Environment: environment, Role: role, State: v1alpha1.RuleNotEnforceable, Reason: reason(&n),
				})
			}
			if rule := &all[policy][i]; object != "" && !slices.Contains(rule.Objects, object) {
				rule.Objects = append(rule.Objects, object)
			}
		}
	}
	return all
}

// concerned are those of the roles that speak of an object: all of them if it is none of the catalogue's, or none speaks of it.
func (p *Program) concerned(roles []string, object string) []string {
	o := p.objects[object]
	if o == nil {
		return roles
	}
	speaking := slices.DeleteFunc(slices.Clone(roles), func(name string) bool {
		r := p.roles[name]
		return r == nil || !slices.ContainsFunc(r.sources, func(s *source) bool { return s.speaksOf(o) })
	})
	if len(speaking) == 0 {
		return roles
	}
	return speaking
}

// Limits of an entry in a policy's status: its objects, and the characters of its reason.
const (
	mostObjects   = 32
	longestReason = 500
)

func reason(n *access.NotEnforced) string {
	text := n.Reason
	if n.Model != "" {
		text = n.Model + ": " + text
	}
	if characters := []rune(text); len(characters) > longestReason {
		return string(characters[:longestReason])
	}
	return text
}

func sortNotEnforced(all []access.NotEnforced) []access.NotEnforced {
	slices.SortFunc(all, func(a, b access.NotEnforced) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Object, b.Object))
	})
	return slices.Compact(all)
}
