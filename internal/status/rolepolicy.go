package status

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/judge"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// longestEnvironmentReason in a policy's status, in characters.
const longestEnvironmentReason = 2000

// RolePolicy folds what became of a policy in each of its environments into its new status.
func RolePolicy(p *v1alpha1.CRMRolePolicy, verdicts []judge.Verdict, now metav1.Time) v1alpha1.CRMRolePolicyStatus {
	s := *p.Status.DeepCopy()
	s.ObservedGeneration = p.Generation
	s.Environments, s.NotEnforced = nil, nil
	for _, v := range verdicts {
		s.Environments = append(s.Environments, inEnvironment(v))
		s.NotEnforced = append(s.NotEnforced, v.NotEnforced...)
	}
	s.NotEnforced = s.NotEnforced[:min(len(s.NotEnforced), judge.MostNotEnforced)]
	s.Roles = roleStates(p, verdicts)
	err := everywhere(verdicts)
	w := writer{conditions: &s.Conditions, generation: p.Generation, now: now}
	w.set(condition{kind: v1alpha1.ConditionRolesEnforced, err: firstOf(err, notEnforceable(s.NotEnforced))})
	w.ready(err, v1alpha1.ReasonSucceeded)
	return s
}

func inEnvironment(v judge.Verdict) v1alpha1.PolicyEnvironmentStatus {
	in := v1alpha1.PolicyEnvironmentStatus{Name: v.Environment, State: v1alpha1.AccessEnforced}
	if v.Err == nil {
		return in
	}
	in.State = v1alpha1.AccessPending
	if _, invalid := outcome.AsInvalid(v.Err); invalid {
		in.State = v1alpha1.AccessRefused
	}
	_, message := explain(v.Err)
	if characters := []rune(message); len(characters) > longestEnvironmentReason {
		message = string(characters[:longestEnvironmentReason-1]) + "…"
	}
	in.Message = message
	return in
}

// everywhere is nil when the policy is enforced in all of its environments, else what keeps it from that: where it is refused, or what is
// waited for first.
func everywhere(verdicts []judge.Verdict) error {
	var refused []string
	var waits error
	for _, v := range verdicts {
		if invalid, ok := outcome.AsInvalid(v.Err); ok {
			refused = append(refused, fmt.Sprintf("environment %s: %s", v.Environment, invalid.Message))
		} else if waits == nil && v.Err != nil {
			reason, message := explain(v.Err)
			waits = outcome.Wait(reason, 0, "environment %s: %s", v.Environment, message)
		}
	}
	if len(refused) > 0 {
		return outcome.Reject(v1alpha1.ReasonPolicyRefused, "%s", strings.Join(refused, "; "))
	}
	return waits
}

// roleStates says how far each role is enforced in all environments together.
func roleStates(p *v1alpha1.CRMRolePolicy, verdicts []judge.Verdict) []v1alpha1.PolicyRoleStatus {
	pending := slices.ContainsFunc(verdicts, func(v judge.Verdict) bool { return v.Err != nil })
	declared := access.Roles(p)
	var states []v1alpha1.PolicyRoleStatus
	for i := range p.Spec.Roles {
		name := p.Spec.Roles[i].Name
		s := v1alpha1.PolicyRoleStatus{Name: name, State: v1alpha1.RuleEnforced}
		if pending {
			s.State = v1alpha1.RulePending
		}
		if slices.ContainsFunc(verdicts, func(v judge.Verdict) bool { return v.Lesser[name] != nil }) {
			s.State = v1alpha1.RuleNotEnforceable
		}
		for rule := range declared.Rules(name) {
			switch {
			case slices.ContainsFunc(verdicts, func(v judge.Verdict) bool { return v.Lesser[name] != nil && v.Lesser[name][rule] }):
				s.NotEnforced++
			case !pending:
				s.Rules++
			}
		}
		states = append(states, s)
	}
	return states
}

func notEnforceable(rules []v1alpha1.NotEnforcedRule) error {
	if len(rules) == 0 {
		return nil
	}
	var where []string
	for _, r := range rules {
		where = append(where, r.Environment)
	}
	slices.Sort(where)
	number := counted(len(rules), "rule is", "rules are")
	if len(rules) == judge.MostNotEnforced {
		number = "at least " + number
	}
	return outcome.Wait(v1alpha1.ReasonNotEnforceable, 0, "in %s, %s not enforced as declared; see status.notEnforced for what holds in place",
		strings.Join(slices.Compact(where), ", "), number)
}
