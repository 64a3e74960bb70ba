package status_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// folded is the status of an environment of which everything holds but that people may be kept out.
func folded(t *testing.T, closed bool, at metav1.Time, change ...func(*moment)) v1alpha1.CRMEnvironmentStatus {
	t.Helper()
	m := running(change...)
	resolved, err := target.Resolve(build.Settings(), build.Tenant("acme"), build.Class(), m.env)
	require.NoError(t, err)
	resolved.Closed = closed
	m.pass.Target = &resolved
	s := status.Environment(m.env, &m.seen, m.pass, at)
	require.NoError(t, statuscheck.Check(3, s.ObservedGeneration, s.Conditions))
	return s
}

func TestAnEnvironmentThatPeopleAreKeptOutOfIsNotReady(t *testing.T) {
	s := folded(t, true, now)
	assert.Equal(t, "Reconciling RolesPending", summary(s.Conditions))
	assert.Equal(t, &now, s.Access.ClosedSince)

	s = folded(t, true, later, func(m *moment) {
		m.env.Status.Access = &v1alpha1.AccessStatus{
			ClosedSince: &now, Failure: &v1alpha1.AccessFailure{Reason: v1alpha1.ReasonCRMUnreachable, Message: "nothing answers"}}
	})
	assert.Equal(t, &now, s.Access.ClosedSince, "since when does not change")
	assert.Contains(t, meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady).Message, "nothing answers")

	for _, state := range []v1alpha1.EnvironmentState{v1alpha1.StateSuspended, v1alpha1.StateQuarantined} {
		s = folded(t, true, now, func(m *moment) { m.env.Spec.State = state })
		assert.NotEqual(t, "Reconciling RolesPending", summary(s.Conditions), "%s: there is nobody to let in", state)
	}
}

func TestARestoreClosesAnewWhatIsClosed(t *testing.T) {
	closed := func(m *moment) {
		m.env.Status.Access, m.seen.Restoring = &v1alpha1.AccessStatus{ClosedSince: &now, People: 3}, "back"
	}
	s := folded(t, true, later, closed)
	assert.Equal(t, &v1alpha1.AccessStatus{ClosedSince: &later, People: 3}, s.Access, "who brings roles since then must not open it")

	muchLater := metav1.NewTime(later.Add(time.Hour))
	again := folded(t, true, muchLater, closed, func(m *moment) { m.env.Status = s })
	assert.Equal(t, s, again, "and is closed once")
}

func TestAnEnvironmentThatNobodyEnforcesRolesInAnyMoreIsOpen(t *testing.T) {
	s := folded(t, false, now, func(m *moment) { m.env.Status.Access = &v1alpha1.AccessStatus{ClosedSince: &now} })
	assert.Equal(t, "True Succeeded", summary(s.Conditions))
	assert.Nil(t, s.Access, "nothing else was known of it")

	known := &v1alpha1.AccessStatus{ClosedSince: &now, EnforcedAt: &now, People: 3}
	s = folded(t, false, now, func(m *moment) { m.env.Status.Access = known })
	assert.Equal(t, &v1alpha1.AccessStatus{EnforcedAt: &now, People: 3}, s.Access)
	assert.NotNil(t, known.ClosedSince, "what was read is not changed")
}

func TestRolesThatDoNotHoldDoNotKeepAnEnvironmentFromBeingReady(t *testing.T) {
	s := folded(t, false, now)
	assert.Equal(t, "True Succeeded", summary(s.Conditions))
	assert.Equal(t, v1alpha1.ReasonNoPolicy, meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionRolesEnforced).Reason)
	assert.Nil(t, s.Access)
}
