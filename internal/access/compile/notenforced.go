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
			for _, reason := range s.lacking {
				all = append(all, access.NotEnforced{Role: name, Reason: reason})
			}
		}
	}
	return sortNotEnforced(all)
}

// ByPolicy gives what is not enforced as the statuses of policies show it, by the policies' names. A role of several counts for
// each of them.
func ByPolicy(environment string, plan *access.Plan, notEnforced []access.NotEnforced) map[string][]v1alpha1.NotEnforcedRule {
	declared := make(map[string][]string)
	for _, r := range plan.Roles {
		declared[r.Name] = r.Of
		if len(r.Of) == 0 {
			declared[r.Name] = []string{r.Name}
		}
	}
	all := make(map[string][]v1alpha1.NotEnforcedRule)
	for _, n := range sortNotEnforced(slices.Clone(notEnforced)) {
		for _, name := range declared[n.Role] {
			policy, role, _ := strings.Cut(name, ".")
			rule := v1alpha1.NotEnforcedRule{Environment: environment, Role: role, Reason: reason(&n)}
			if !slices.Contains(all[policy], rule) && len(all[policy]) < mostRules {
				all[policy] = append(all[policy], rule)
			}
		}
	}
	return all
}

// Limits of a policy's status.
const (
	mostRules     = 200
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
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(all)
}
