package status_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/access/decide"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

const (
	li = "li.na@acme.example"
	bo = "bo.chen@acme.example"
)

// applied is a decision to apply a plan for people, by one policy.
func applied(people ...string) *decide.Decision {
	d := &decide.Decision{
		Governed: true, Mode: access.ModeApply, Program: &compile.Program{}, Catalogue: "demo/1/2.0",
		Policies: []v1alpha1.AccessPolicyStatus{{Name: "sales", Generation: 1, State: v1alpha1.AccessPending}},
	}
	d.Plan.Administrator = access.Administrator{Login: "admin", State: v1alpha1.AdministratorLocked}
	for _, login := range people {
		d.Plan.People = append(d.Plan.People, access.Person{Login: login})
	}
	d.Digest = d.Plan.Digest()
	return d
}

// governed is an environment in which a decision is wanted.
func governed(d *decide.Decision, leaving ...v1alpha1.LeaverStatus) *v1alpha1.CRMEnvironment {
	env := build.Environment("acme", "prod")
	env.Status = status.AccessWanted(env, d, leaving, now)
	return env
}

// brought is the status after a pass that began with the environment as it is.
func brought(env *v1alpha1.CRMEnvironment, d *decide.Decision, r access.Report, err error, at metav1.Time) v1alpha1.CRMEnvironmentStatus {
	pass := status.AccessPass{Decision: d, Began: status.BeginAccess(env), Report: r, Err: err, Out: status.Out(env.Status.Access, &r, err == nil, at)}
	return status.AccessBrought(env, pass, at)
}

func rolesEnforced(s v1alpha1.CRMEnvironmentStatus) string {
	c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionRolesEnforced)
	if c == nil {
		return ""
	}
	return string(c.Status) + " " + c.Reason
}

func TestWhatIsWantedIsInTheStatusBeforeTheCRMIsCalledAndWhatHoldsAfter(t *testing.T) {
	d := applied(li)
	env := governed(d)
	a := env.Status.Access
	assert.Equal(t, "False Progressing", rolesEnforced(env.Status))
	assert.Equal(t, d.Digest, a.PlanDigest)
	assert.Equal(t, &now, a.AskedAt)
	assert.EqualValues(t, 1, a.People)
	assert.Nil(t, a.EnforcedAt)

	env.Status = brought(env, d, access.Report{}, nil, later)
	a = env.Status.Access
	assert.Equal(t, "True Succeeded", rolesEnforced(env.Status))
	assert.Equal(t, &later, a.EnforcedAt)
	assert.Equal(t, v1alpha1.AdministratorLocked, a.Administrator)
	assert.Equal(t, v1alpha1.AccessEnforced, a.Policies[0].State)
	assert.Equal(t, "demo/1/2.0", a.Catalogue)

	muchLater := metav1.NewTime(later.Add(time.Hour))
	again := *env
	again.Status = status.AccessWanted(env, d, nil, muchLater)
	assert.Equal(t, env.Status, again.Status, "nothing new is wanted")
	assert.Equal(t, env.Status, brought(&again, d, access.Report{Calls: 5}, nil, muchLater), "nothing new is found")
}

func TestAnEnvironmentWithoutPoliciesIsLeftWithoutStatus(t *testing.T) {
	env := build.Environment("acme", "prod")
	assert.Equal(t, env.Status, status.AccessWanted(env, &decide.Decision{}, nil, now))

	env.Status.Access = &v1alpha1.AccessStatus{Failure: &v1alpha1.AccessFailure{Reason: v1alpha1.ReasonNoAdapter, Message: "no", Since: now}}
	assert.Nil(t, status.AccessWanted(env, &decide.Decision{}, nil, now).Access, "a policy that came to nothing is gone")
	env.Status.Access.ClosedSince = &now
	assert.Equal(t, &v1alpha1.AccessStatus{ClosedSince: &now}, status.AccessWanted(env, &decide.Decision{}, nil, now).Access)
}

func TestTheFirstThingThatDoesNotHoldIsWhatIsSaid(t *testing.T) {
	holds := func() *v1alpha1.AccessStatus {
		return &v1alpha1.AccessStatus{
			Policies:   []v1alpha1.AccessPolicyStatus{{Name: "sales", State: v1alpha1.AccessEnforced}},
			EnforcedAt: &now, Administrator: v1alpha1.AdministratorLocked,
		}
	}
	for _, c := range []struct {
		sentence string
		change   func(*v1alpha1.AccessStatus)
		want     string
	}{
		{"rules are not enforced", func(a *v1alpha1.AccessStatus) { a.NotEnforced = 2 }, v1alpha1.ReasonNotEnforceable},
		{"the CRM has drifted", func(a *v1alpha1.AccessStatus) { a.Drift = []v1alpha1.AccessDifference{{Subject: "x"}} }, v1alpha1.ReasonDrifted},
		{"names are unknown", func(a *v1alpha1.AccessStatus) { a.UnknownNames = []string{"sale"} }, v1alpha1.ReasonCatalogueMismatch},
		{"the administrator can log in", func(a *v1alpha1.AccessStatus) { a.Administrator = v1alpha1.AdministratorOpen }, v1alpha1.ReasonGlassBroken},
		{"it was not enforced yet", func(a *v1alpha1.AccessStatus) { a.EnforcedAt = nil }, v1alpha1.ReasonProgressing},
		{"there is a failure", func(a *v1alpha1.AccessStatus) {
			a.Failure = &v1alpha1.AccessFailure{Reason: v1alpha1.ReasonCRMUnreachable, Message: "away"}
		}, v1alpha1.ReasonCRMUnreachable},
		{"a policy is refused", func(a *v1alpha1.AccessStatus) { a.Policies[0].State = v1alpha1.AccessRefused }, v1alpha1.ReasonPolicyRefused},
	} {
		env := build.Environment("acme", "prod")
		env.Status.Access = holds()
		require.NoError(t, status.RolesEnforced(env))
		c.change(env.Status.Access)
		waiting, ok := outcome.AsWaiting(status.RolesEnforced(env))
		require.True(t, ok, c.sentence)
		assert.Equal(t, c.want, waiting.Reason, c.sentence)
	}
	waiting, ok := outcome.AsWaiting(status.RolesEnforced(build.Environment("acme", "prod")))
	require.True(t, ok)
	assert.Equal(t, v1alpha1.ReasonNoPolicy, waiting.Reason)
}

func TestALeaverIsListedUntilOutAndStaysListed(t *testing.T) {
	env := governed(applied(bo), v1alpha1.LeaverStatus{Name: li, AskedAt: now})
	assert.Equal(t, []v1alpha1.LeaverStatus{{Name: li, AskedAt: now}}, env.Status.Access.Leavers)

	env.Status = brought(env, applied(bo), access.Report{}, errors.New("half-way"), later)
	assert.Nil(t, env.Status.Access.Leavers[0].DoneAt, "nothing is known of it")
	assert.True(t, decide.AnyLeaving(env.Status.Access))

	left := access.Report{Left: []access.Leaver{{Login: li, At: later.Time}}}
	withError := brought(env, applied(bo), left, errors.New("after that"), later)
	assert.Equal(t, &later, withError.Access.Leavers[0].DoneAt, "what was done before an error is done")
	without := brought(env, applied(bo), access.Report{}, nil, later)
	assert.Equal(t, &later, without.Access.Leavers[0].DoneAt, "who is not in the CRM is out")

	env.Status = without
	env.Status = status.AccessWanted(env, applied(bo, li), nil, later)
	assert.Len(t, env.Status.Access.Leavers, 1, "who has left and comes back had left")
}

func TestWhoIsBoundAgainBeforeBeingOutIsNoLeaver(t *testing.T) {
	env := governed(applied(bo), v1alpha1.LeaverStatus{Name: li, AskedAt: now})
	env.Status = status.AccessWanted(env, applied(bo, li), nil, later)
	assert.Empty(t, env.Status.Access.Leavers)
}

func TestALeaverWhomNobodyRemembersIsToldByTheAdapter(t *testing.T) {
	env := governed(applied(bo))
	report := access.Report{Left: []access.Leaver{{Login: li, At: later.Time}}}
	env.Status = brought(env, applied(bo), report, nil, later)
	assert.Equal(t, []v1alpha1.LeaverStatus{{Name: li, AskedAt: now, DoneAt: &later}}, env.Status.Access.Leavers, "asked for when the plan was")

	report = access.Report{Left: []access.Leaver{{Login: "came-with-a-backup", At: later.Time}}}
	env.Status = brought(env, applied(bo), report, nil, later)
	assert.Len(t, env.Status.Access.Leavers, 1, "the policies have not changed, so nobody has left")
}

func TestTheNewestFiftyLeaversAreKept(t *testing.T) {
	var leaving []v1alpha1.LeaverStatus
	for i := range 60 {
		leaving = append(leaving, v1alpha1.LeaverStatus{Name: fmt.Sprintf("user%d", i), AskedAt: now})
	}
	env := governed(applied(bo), leaving...)
	assert.Len(t, env.Status.Access.Leavers, 50)
	env.Status = status.AccessWanted(env, applied(bo), []v1alpha1.LeaverStatus{{Name: li, AskedAt: later}}, later)
	assert.Len(t, env.Status.Access.Leavers, 50)
	assert.Equal(t, li, env.Status.Access.Leavers[0].Name)
}

func TestPeopleAreLetInAgainOnlyByAPassThatBeganAfterTheyWereKeptOut(t *testing.T) {
	d := applied(li)
	closed := governed(d)
	closed.Status.Access.ClosedSince = &now
	assert.Nil(t, brought(closed, d, access.Report{}, nil, later).Access.ClosedSince)
	assert.NotNil(t, brought(closed, d, access.Report{}, errors.New("no"), later).Access.ClosedSince, "after a failure they are not")
	open := access.Report{Differences: []access.Difference{{Subject: "role x"}}}
	assert.NotNil(t, brought(closed, d, open, nil, later).Access.ClosedSince, "nor while something is other than planned")

	for sentence, began := range map[string]status.AccessBeginning{
		"before they were kept out":            {Generation: closed.Generation},
		"when they were kept out another time": {Generation: closed.Generation, ClosedSince: &later},
		"before the declaration was edited":    {Generation: closed.Generation - 1, ClosedSince: &now},
	} {
		got := status.AccessBrought(closed, status.AccessPass{Decision: d, Began: began}, later)
		assert.NotNil(t, got.Access.ClosedSince, sentence)
	}
}

func TestDriftIsListedShortly(t *testing.T) {
	d := applied(li)
	env := governed(d)
	var r access.Report
	for i := range 30 {
		r.Differences = append(r.Differences, access.Difference{Subject: fmt.Sprintf("role %d", i), Found: strings.Repeat("x", 400)})
		r.UnknownAccounts = append(r.UnknownAccounts, fmt.Sprintf("user%d", i), fmt.Sprintf("other%d", i))
	}
	r.Applied = r.Differences[:5]
	a := brought(env, d, r, nil, later).Access
	require.Len(t, a.Drift, 20)
	assert.Equal(t, "role 5", a.Drift[0].Subject, "what was applied is gone")
	assert.Len(t, []rune(a.Drift[0].Found), 300)
	assert.Len(t, a.UnknownAccounts, 50)
	assert.Nil(t, a.EnforcedAt)
}

func TestWhatWasEnforcedStaysSoWhileAnotherPolicyIsRefused(t *testing.T) {
	d := applied(li)
	env := governed(d)
	env.Status = brought(env, d, access.Report{}, nil, later)

	refused := &decide.Decision{Governed: true, Mode: access.ModePutOut, Plan: access.Plan{People: d.Plan.People}, Policies: []v1alpha1.AccessPolicyStatus{
		{Name: "sales", Generation: 1, State: v1alpha1.AccessPending}, {Name: "wrong", Generation: 1, State: v1alpha1.AccessRefused, Message: "no"}}}
	env.Status = status.AccessWanted(env, refused, nil, later)
	assert.Equal(t, "False PolicyRefused", rolesEnforced(env.Status))
	assert.Equal(t, v1alpha1.AccessEnforced, env.Status.Access.Policies[0].State)
	assert.Equal(t, d.Digest, env.Status.Access.PlanDigest)
	assert.NotNil(t, env.Status.Access.EnforcedAt)

	left := access.Report{Left: []access.Leaver{{Login: li, At: later.Time}}}
	assert.Nil(t, brought(env, refused, left, nil, later).Access.EnforcedAt, "who was put out must be let in again by a correction")
}

func TestAFailureKeepsSinceWhen(t *testing.T) {
	d := applied(li)
	env := governed(d)
	away := outcome.Wait(v1alpha1.ReasonCRMUnreachable, 0, "away")
	env.Status = brought(env, d, access.Report{}, away, now)
	env.Status = brought(env, d, access.Report{}, away, later)
	assert.Equal(t, now, env.Status.Access.Failure.Since)
	env.Status = brought(env, d, access.Report{}, outcome.Wait("VaultSealed", 20*time.Second, "unseal it"), later)
	assert.Equal(t, later, env.Status.Access.Failure.Since)
}

func TestACRMThatFailsIsTriedAgainMoreAndMoreRarely(t *testing.T) {
	failing := &v1alpha1.AccessStatus{Failure: &v1alpha1.AccessFailure{Since: now}}
	after := func(a *v1alpha1.AccessStatus, err error, lasts time.Duration) time.Duration {
		return status.AccessRetry(a, err, now.Add(lasts))
	}
	away := outcome.Wait(v1alpha1.ReasonCRMUnreachable, 0, "away")
	assert.Equal(t, time.Second, after(failing, away, 0))
	assert.Equal(t, 20*time.Second, after(failing, away, 20*time.Second))
	assert.Equal(t, time.Minute, after(failing, away, time.Hour))
	sealed := outcome.Wait("VaultSealed", 20*time.Second, "unseal it")
	assert.Equal(t, 20*time.Second, after(failing, sealed, time.Hour))
	failing.Leavers = []v1alpha1.LeaverStatus{{Name: li}}
	assert.Equal(t, 10*time.Second, after(failing, away, time.Hour), "somebody waits to be put out")
	assert.Equal(t, 10*time.Second, after(failing, sealed, time.Hour))
}

func TestACRMThatFailsInManyWaysIsNotCalledMoreOften(t *testing.T) {
	d := applied(li)
	env := governed(d)
	away, refused := outcome.Wait(v1alpha1.ReasonCRMUnreachable, 0, "away"), outcome.Wait(v1alpha1.ReasonCRMRefused, 0, "refused")
	env.Status = brought(env, d, access.Report{}, away, now)
	env.Status = brought(env, d, access.Report{}, refused, later)
	assert.Equal(t, v1alpha1.ReasonCRMRefused, env.Status.Access.Failure.Reason)
	assert.Equal(t, now, env.Status.Access.Failure.Since)
	assert.Equal(t, time.Minute, status.AccessRetry(env.Status.Access, refused, now.Add(time.Hour)))
}
