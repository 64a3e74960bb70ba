// Package judge tells what became of a role policy in each of the environments that it names. It is pure.
package judge

import (
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// Verdict on a policy in one environment.
type Verdict struct {
	// Environment by its name.
	Environment string
	// Err says why the policy is not enforced there: an outcome.Invalid refuses it, an outcome.Waiting is waited for. Nil: it is enforced, but
	// for NotEnforced.
	Err error
	// NotEnforced is what is not enforced as declared, the first MostNotEnforced of it.
	NotEnforced []v1alpha1.NotEnforcedRule
	// Lesser are the roles that are not enforced as declared, by name: for each of access.DeclaredRoles.Rules whether it is among what is not.
	Lesser map[string][]bool
}

// MostNotEnforced is how much a policy's status has room for.
const MostNotEnforced = 200

// Policy in each of its environments. Next is when a binding expires by which a policy may be refused; zero for never.
func Policy(p *v1alpha1.CRMRolePolicy, seen *facts.RolePolicy, adapters map[string]access.Adapter, now time.Time) (verdicts []Verdict, next time.Time) {
	for i := range seen.Environments {
		in := &seen.Environments[i]
		v := Verdict{Environment: in.Name, Err: missing(p, in)}
		if v.Err == nil {
			v.judge(p, in, seen.Policies, adapters[in.Class.Spec.Adapter], now)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nextExpiry(p, seen.Policies, now)
}

// missing is what there must be before anything can be said of the policy.
func missing(p *v1alpha1.CRMRolePolicy, in *facts.PolicyEnvironment) error {
	switch {
	case in.Environment == nil:
		return outcome.Wait(v1alpha1.ReasonEnvironmentNotFound, 0,
			"spec.environments: CRMEnvironment %s does not exist in namespace %s; declare it, or remove it from the list", in.Name, p.Namespace)
	case in.Class == nil:
		return outcome.Wait(v1alpha1.ReasonClassNotFound, 0, "CRMClass %s of CRMEnvironment %s does not exist; ask the platform to declare it",
			in.Environment.Spec.ClassRef.Name, in.Name)
	}
	if err := validate.Class(in.Class); err != nil {
		return outcome.Wait(v1alpha1.ReasonClassInvalid, 0, "CRMClass %s must be mended by the platform: %s", in.Class.Name,
			outcome.Message(err))
	}
	return nil
}

func (v *Verdict) judge(p *v1alpha1.CRMRolePolicy, in *facts.PolicyEnvironment, policies []*v1alpha1.CRMRolePolicy, adapter access.Adapter, now time.Time) {
	if err := validate.RolePolicy(p, &compile.Input{Environment: in.Name, Class: in.Class, Policies: policies, Now: now}); err != nil {
		v.Err = refused(err)
		return
	}
	program := compile.Compile(compile.Input{Environment: in.Name, Class: in.Class, Policies: together(p, in, policies, now), Now: now})
	plan, notEnforced := program.Plan(), program.NotEnforced()
	if adapter != nil {
		notEnforced = append(notEnforced, adapter.Unenforceable(plan)...)
	}
	rules := program.ByPolicy(in.Name, &plan, notEnforced)[p.Name]
	v.NotEnforced, v.Lesser = slices.Clone(rules[:min(len(rules), MostNotEnforced)]), lesser(p, rules)
	v.Err = enforced(p, in)
	if adapter == nil {
		v.Err = outcome.Wait(v1alpha1.ReasonNoAdapter, 0,
			"class %s has no adapter that this build knows, so nothing of the policy is enforced in the CRM; use a class that has one", in.Class.Name)
	}
}

func refused(err error) error {
	if invalid, ok := outcome.AsInvalid(err); ok {
		return outcome.Reject(v1alpha1.ReasonPolicyRefused, "%s", invalid.Message)
	}
	return err
}

// enforced reads what the environment says of the policy as it is declared now.
func enforced(p *v1alpha1.CRMRolePolicy, in *facts.PolicyEnvironment) error {
	known := &v1alpha1.AccessStatus{}
	if a := in.Environment.Status.Access; a != nil {
		known = a
	}
	i := slices.IndexFunc(known.Policies, func(s v1alpha1.AccessPolicyStatus) bool { return s.Name == p.Name && s.Generation == p.Generation })
	switch {
	case i >= 0 && known.Policies[i].State == v1alpha1.AccessRefused:
		return outcome.Reject(v1alpha1.ReasonPolicyRefused, "%s", known.Policies[i].Message)
	case i >= 0 && known.Policies[i].State == v1alpha1.AccessEnforced:
		return nil
	case known.Failure != nil:
		return outcome.Wait(known.Failure.Reason, 0, "%s", known.Failure.Message)
	}
	return outcome.Wait(v1alpha1.ReasonProgressing, 0, "the CRM is brought to the policy")
}

// nextExpiry of a binding that other policies are checked against.
func nextExpiry(p *v1alpha1.CRMRolePolicy, policies []*v1alpha1.CRMRolePolicy, now time.Time) time.Time {
	var next time.Time
	for _, other := range policies {
		if !slices.ContainsFunc(p.Spec.Environments, func(name string) bool { return access.In(other, name) }) {
			continue
		}
		for i := range other.Spec.Bindings {
			at := other.Spec.Bindings[i].ExpiresAt
			if at != nil && at.After(now) && (next.IsZero() || at.Time.Before(next)) {
				next = at.Time
			}
		}
	}
	return next
}
