package status

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/decide"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Limits of status.access.
const (
	mostDrift           = 20
	mostUnknownAccounts = 50
	mostLeavers         = 50
	longestDifference   = 300
	longestLogin        = 200
	longestFailure      = 2000
)

// AccessWanted folds what is wanted of a CRM into the status, before the CRM is called: whoever looks sees since when somebody waits to be
// put out.
func AccessWanted(env *v1alpha1.CRMEnvironment, d *decide.Decision, leaving []v1alpha1.LeaverStatus, now metav1.Time) v1alpha1.CRMEnvironmentStatus {
	known := env.Status.Access
	if !d.Governed {
		return withAccess(env, ungoverned(known), now)
	}
	a := &v1alpha1.AccessStatus{}
	if known != nil {
		a = known.DeepCopy()
	}
	if d.Digest != "" && a.PlanDigest != d.Digest {
		a.PlanDigest, a.AskedAt, a.EnforcedAt = d.Digest, &now, nil
	}
	if d.Program != nil {
		a.NotEnforced, a.People = d.NotEnforcedRules(env.Name), int32(len(d.Plan.People)) //nolint:gosec // validated to be at most 10,000
	}
	a.Policies = policyStates(a, d)
	a.Leavers = addLeaving(a.Leavers, leaving, d.Plan.People)
	if failed := firstOf(d.Failure, d.NotRunning); failed != nil || d.Mode == "" {
		a.Failure = failure(a.Failure, failed, now)
	}
	return withAccess(env, a, now)
}

// ungoverned is what is left when no policy names the environment and none ever came to anything. Whether people are kept out is not for us to say.
func ungoverned(known *v1alpha1.AccessStatus) *v1alpha1.AccessStatus {
	if known == nil || known.ClosedSince == nil {
		return nil
	}
	return &v1alpha1.AccessStatus{ClosedSince: known.ClosedSince}
}

// policyStates says of each policy whether it is in the CRM. What was stays so while another policy is refused.
func policyStates(a *v1alpha1.AccessStatus, d *decide.Decision) []v1alpha1.AccessPolicyStatus {
	states := slices.Clone(d.Policies)
	for i := range states {
		s := &states[i]
		if s.State == v1alpha1.AccessRefused {
			continue
		}
		before := slices.IndexFunc(a.Policies, func(p v1alpha1.AccessPolicyStatus) bool {
			return p.Name == s.Name && p.Generation == s.Generation && p.State == v1alpha1.AccessEnforced
		})
		if d.Program != nil && a.EnforcedAt != nil || d.Program == nil && before >= 0 {
			s.State = v1alpha1.AccessEnforced
		}
	}
	return states
}

// AccessPass is what one call of the adapter came to.
type AccessPass struct {
	Decision *decide.Decision
	// Began are generation and status.access.closedSince when the pass began, before it had read anything.
	Began AccessBeginning
	// Report of the adapter, also with an error.
	Report access.Report
	// Out are the people who are out now, and whose invitations are gone.
	Out []v1alpha1.LeaverStatus
	// Err is why the CRM could not be brought to the plan; nil when it was.
	Err error
}

// AccessBeginning is what must still be so at the end of a pass for people to be let in again.
type AccessBeginning struct {
	Generation  int64
	ClosedSince *metav1.Time
}

// BeginAccess notes how an environment is when a pass begins.
func BeginAccess(env *v1alpha1.CRMEnvironment) AccessBeginning {
	b := AccessBeginning{Generation: env.Generation}
	if a := env.Status.Access; a != nil {
		b.ClosedSince = a.ClosedSince.DeepCopy()
	}
	return b
}

func (b AccessBeginning) holds(env *v1alpha1.CRMEnvironment) bool {
	is := BeginAccess(env)
	return is.Generation == b.Generation && is.ClosedSince.Equal(b.ClosedSince)
}

// AccessBrought folds a call of the adapter into the status.
func AccessBrought(env *v1alpha1.CRMEnvironment, p AccessPass, now metav1.Time) v1alpha1.CRMEnvironmentStatus {
	a := &v1alpha1.AccessStatus{}
	if env.Status.Access != nil {
		a = env.Status.Access.DeepCopy()
	}
	a.Leavers = setOut(a.Leavers, p.Out)
	if p.Decision.Mode == access.ModePutOut && len(p.Report.Left) > 0 {
		a.EnforcedAt = nil // Whoever is bound again by a correction must be let in again.
	}
	a.Failure = failure(a.Failure, firstOf(p.Err, p.Decision.Failure), now)
	if p.Err == nil {
		compared(a, env, &p, now)
	}
	a.Policies = policyStates(a, p.Decision)
	return withAccess(env, a, now)
}

// compared folds in what is known of a CRM that was compared with the plan as a whole.
func compared(a *v1alpha1.AccessStatus, env *v1alpha1.CRMEnvironment, p *AccessPass, now metav1.Time) {
	d, open := p.Decision, Open(&p.Report)
	if !d.LookUp {
		a.Catalogue, a.UnknownNames = d.Catalogue, d.UnknownNames
	}
	if admin := d.Plan.Administrator; admin.Login != "" && d.Mode != access.ModeReport && len(open) == 0 {
		a.Administrator = admin.State
	}
	if d.Mode == access.ModePutOut {
		return
	}
	a.Drift = differences(open)
	a.UnknownAccounts = logins(p.Report.UnknownAccounts)
	if d.Mode != access.ModeApply || len(open) > 0 || a.PlanDigest != d.Digest {
		return
	}
	if a.EnforcedAt == nil {
		a.EnforcedAt = &now
	}
	if p.Began.holds(env) {
		a.ClosedSince = nil
	}
}

// Open are the differences that were found and are still there.
func Open(r *access.Report) []access.Difference {
	gone := make(map[access.Difference]bool, len(r.Applied))
	for _, d := range r.Applied {
		gone[d] = true
	}
	return slices.DeleteFunc(slices.Clone(r.Differences), func(d access.Difference) bool { return gone[d] })
}

func differences(open []access.Difference) []v1alpha1.AccessDifference {
	var list []v1alpha1.AccessDifference
	for _, d := range open[:min(len(open), mostDrift)] {
		list = append(list, v1alpha1.AccessDifference{
			Subject: shorten(d.Subject, longestDifference), Found: shorten(d.Found, longestDifference), Planned: shorten(d.Planned, longestDifference),
		})
	}
	return list
}

func logins(all []string) []string {
	var list []string
	for _, login := range all[:min(len(all), mostUnknownAccounts)] {
		list = append(list, shorten(login, longestLogin))
	}
	return list
}

// failure keeps since when something fails for the same reason. Whether a CRM does not answer or refuses is up to the CRM, so one that does both
// by turns is not called every second for that.
func failure(known *v1alpha1.AccessFailure, err error, now metav1.Time) *v1alpha1.AccessFailure {
	if err == nil {
		return nil
	}
	reason, message := explain(err)
	next := &v1alpha1.AccessFailure{Reason: reason, Message: shorten(message, longestFailure), Since: now}
	if known != nil && (known.Reason == reason || crmFails(known.Reason) && crmFails(reason)) {
		next.Since = known.Since
	}
	return next
}

func crmFails(reason string) bool {
	return reason == v1alpha1.ReasonCRMUnreachable || reason == v1alpha1.ReasonCRMRefused
}

// Bounds of the time until a CRM is called again that could not be brought to its plan.
const (
	firstAccessRetry = time.Second
	lastAccessRetry  = time.Minute
	// leavingRetry holds while somebody waits to be put out.
	leavingRetry = 10 * time.Second
)

// AccessRetry is how long to wait after a failure: as long as it lasts already, which doubles, or what the failure itself says.
func AccessRetry(a *v1alpha1.AccessStatus, err error, now time.Time) time.Duration {
	after := firstAccessRetry
	if a != nil && a.Failure != nil {
		after = min(max(now.Sub(a.Failure.Since.Time), firstAccessRetry), lastAccessRetry)
	}
	if waiting, ok := outcome.AsWaiting(err); ok && waiting.After > 0 {
		after = waiting.After
	}
	if decide.AnyLeaving(a) {
		after = min(after, leavingRetry)
	}
	return after
}

// withAccess is the environment's status with what is known of its role policies, and the condition that follows from it.
func withAccess(env *v1alpha1.CRMEnvironment, a *v1alpha1.AccessStatus, now metav1.Time) v1alpha1.CRMEnvironmentStatus {
	s := *env.Status.DeepCopy()
	if equality.Semantic.DeepEqual(s.Access, a) {
		return s
	}
	s.Access = a
	w := writer{conditions: &s.Conditions, generation: env.Generation, now: now}
	next := *env
	next.Status = s
	w.set(condition{kind: v1alpha1.ConditionRolesEnforced, err: RolesEnforced(&next)})
	return s
}

func shorten(text string, longest int) string {
	if characters := []rune(text); len(characters) > longest {
		return string(characters[:longest-1]) + "…"
	}
	return text
}
