// Package decide tells what one pass over an environment's role policies has to do. It is pure: the same policies, class and status come to
// the same decision, whoever asks.
package decide

import (
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// Input of a decision.
type Input struct {
	// Environment with the status that was last written.
	Environment *v1alpha1.CRMEnvironment
	// Seen is what was read.
	Seen *facts.Access
	// Adapters of this build, by name.
	Adapters map[string]access.Adapter
	// Catalogue and UnknownNames are what the CRM was last found not to have, as in status.access.
	Catalogue    string
	UnknownNames []string
	// Now is compared with what expires.
	Now time.Time
}

// Decision is what to do.
type Decision struct {
	// Governed tells whether policies hold in the environment, or did and have left something to undo.
	Governed bool
	// Adapter of the class; nil when there is none.
	Adapter access.Adapter
	// Mode of the next call of the adapter. Empty: the CRM is not called.
	Mode access.Mode
	// Plan for that call.
	Plan access.Plan
	// Digest of what the policies come to. Empty while they come to nothing, since one of them is refused.
	Digest string
	// Policies that name the environment, sorted by name: Refused with why, or Pending.
	Policies []v1alpha1.AccessPolicyStatus
	// NotEnforced are the rules that are not enforced as declared.
	NotEnforced []access.NotEnforced
	// Program is what the policies were compiled to; nil while one of them is refused.
	Program *compile.Program
	// Catalogue names the class and version that the CRM's names must be looked up for; LookUp tells that they have not been.
	Catalogue string
	LookUp    bool
	// UnknownNames of the plan's models and fields that were left out of it.
	UnknownNames []string
	// NotRunning is why the CRM cannot be called now; nil when it can.
	NotRunning error
	// Failure is why not all is done that is declared; nil when nothing is in the way.
	Failure error
	// Next is when the decision changes by itself. Zero: never.
	Next time.Time
}

// Decide what to do.
func Decide(in Input) Decision {
	env, class := in.Environment, in.Seen.Class
	named := holding(in.Seen.Policies, env)
	known := env.Status.Access
	d := Decision{Governed: len(named) > 0 || known != nil && known.PlanDigest != ""}
	if !d.Governed {
		return d
	}
	d.Policies = pending(named)
	if d.Failure = unusable(class, in.Adapters); d.Failure != nil {
		return d
	}
	d.Adapter = in.Adapters[class.Spec.Adapter]
	d.NotRunning = notRunning(env, in.Seen)
	d.Catalogue = catalogue(env, class)
	d.LookUp = in.Catalogue != d.Catalogue
	if !d.LookUp {
		d.UnknownNames = in.UnknownNames
	}
	d.plan(in, named)
	d.administrator(in, len(named) > 0)
	if d.Program != nil {
		d.Digest = d.Plan.Digest()
		d.Mode = mode(known, &d)
	}
	return d
}

// plan what the policies come to, or, while one of them is refused, only who may stay.
func (d *Decision) plan(in Input, named []*v1alpha1.CRMRolePolicy) {
	class := in.Seen.Class
	compiled := compile.Input{Environment: in.Environment.Name, Class: class, Policies: named, Now: in.Now}
	invalid := validate.Class(class)
	if invalid == nil {
		refused := refuse(d.Policies, named, &compiled)
		invalid = mismatch(d.UnknownNames)
		if !refused && invalid == nil {
			d.Program = compile.Compile(compiled)
			d.Plan = without(d.Program.Plan(), d.UnknownNames)
			d.NotEnforced = append(d.Program.NotEnforced(), d.Adapter.Unenforceable(d.Plan)...)
			d.Next = d.Program.NextChange()
			return
		}
	}
	d.Failure = classProblem(class, invalid)
	d.Mode = access.ModePutOut
	d.Plan = access.Plan{
		Models: without(compile.Compile(compile.Input{Class: class}).Plan(), d.UnknownNames).Models,
		Drift:  access.DriftReport, UnknownAccounts: access.UnknownAccountsReport, Exempt: access.ReservedLogins(class),
	}
	d.Plan.People, d.Next = bound(named, d.Plan.Exempt, in.Now)
}

// mode of the next call when the policies mean something.
func mode(known *v1alpha1.AccessStatus, d *Decision) access.Mode {
	asBefore := known != nil && known.PlanDigest == d.Digest && known.EnforcedAt != nil
	switch {
	case asBefore && len(d.Policies) == 0:
		return "" // The CRM is its administrator's again.
	case asBefore && d.Plan.Drift == access.DriftReport && known.ClosedSince == nil && !AnyLeaving(known):
		return access.ModeReport
	}
	return access.ModeApply
}

// NotEnforcedRules counts what the policies' statuses list as not enforced.
func (d *Decision) NotEnforcedRules(environment string) int32 {
	n := 0
	for _, rules := range d.Program.ByPolicy(environment, &d.Plan, d.NotEnforced) {
		n += len(rules)
	}
	return int32(n)
}

// AnyLeaving tells whether somebody is still to be put out.
func AnyLeaving(a *v1alpha1.AccessStatus) bool { return len(StillLeaving(a)) > 0 }

// StillLeaving are the logins of those who are still to be put out.
func StillLeaving(a *v1alpha1.AccessStatus) (logins []string) {
	if a == nil {
		return nil
	}
	for i := range a.Leavers {
		if a.Leavers[i].DoneAt == nil {
			logins = append(logins, a.Leavers[i].Name)
		}
	}
	return logins
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
