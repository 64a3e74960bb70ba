package status_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

var drillTime = metav1.NewTime(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))

// drilling is a schedule with a fresh backup and weekly drills that may take an hour.
func drilling(change ...func(*v1alpha1.CRMBackupSchedule)) *v1alpha1.CRMBackupSchedule {
	s := &v1alpha1.CRMBackupSchedule{ObjectMeta: metav1.ObjectMeta{Name: "nightly", Generation: 1}}
	s.Spec.Drill = &v1alpha1.RestoreDrill{Schedule: "@weekly"}
	s.Spec.Objectives = &v1alpha1.RecoveryObjectives{RTOSeconds: build.Pointer[int64](3600)}
	for _, c := range change {
		c(s)
	}
	return s
}

func drillOf(phase string, took time.Duration) *v1alpha1.DrillStatus {
	d := &v1alpha1.DrillStatus{Name: "nightly-drill-1", Phase: phase, ScheduledAt: drillTime, StartedAt: drillTime, Backup: "b", Message: "CheckFailed: x"}
	if phase != v1alpha1.PhaseRunning {
		d.CompletedAt = &metav1.Time{Time: drillTime.Add(took)}
		d.Stages = []v1alpha1.RecoveryStage{{Name: "Restore", Milliseconds: took.Milliseconds() - 1}}
	}
	return d
}

// seenLater is the status after a pass so much later, in which the newest drill was seen like this.
func seenLater(s *v1alpha1.CRMBackupSchedule, later time.Duration, d *v1alpha1.DrillStatus) v1alpha1.CRMBackupScheduleStatus {
	now := metav1.NewTime(drillTime.Add(later))
	fresh := *aBackup()
	fresh.Status.Phase, fresh.Status.CompletedAt = v1alpha1.PhaseComplete, &now
	fresh.Status.StartedAt = &metav1.Time{Time: drillTime.Add(-20 * time.Minute)}
	const week = 7 * 24 * time.Hour
	return status.Schedule(s, status.SchedulePass{
		Backups: []v1alpha1.CRMBackup{fresh}, Interval: time.Hour, Drill: status.DrillPass{Newest: d, Backup: &fresh, Interval: week},
	}, now)
}

func TestWhatDrillsSayOfSafety(t *testing.T) {
	const day = 24 * time.Hour
	proven := func(s *v1alpha1.CRMBackupSchedule) { s.Status.LastProven = &drillTime }
	unhealthy := func(s *v1alpha1.CRMBackupSchedule) {
		proven(s)
		s.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionBackupHealthy, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonDrillFailed, Message: "before"}}
	}
	for sentence, c := range map[string]struct {
		schedule *v1alpha1.CRMBackupSchedule
		later    time.Duration
		drill    *v1alpha1.DrillStatus
		want     string
	}{
		"no drill is declared":                {drilling(proven, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Drill = nil }), day, nil, "NeverProven"},
		"the first drill is yet to come":      {drilling(), day, nil, "NeverProven"},
		"the first drill goes on":             {drilling(), time.Minute, drillOf("Running", 0), "NeverProven"},
		"a drill has passed":                  {drilling(), day, drillOf("Complete", time.Hour), "Succeeded"},
		"a drill has failed":                  {drilling(proven), day, drillOf("Failed", time.Hour), "DrillFailed"},
		"another goes on after it":            {drilling(unhealthy), day, drillOf("Running", 0), "DrillFailed"},
		"another has passed after it":         {drilling(unhealthy), day, drillOf("Complete", time.Hour), "Succeeded"},
		"another goes on after one that has":  {drilling(proven), day, drillOf("Running", 0), "Succeeded"},
		"it took longer than the objective":   {drilling(), day, drillOf("Complete", 2*time.Hour), "DrillTooSlow"},
		"no objective: however long it took":  {drilling(func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Objectives = nil }), day, drillOf("Complete", 9*time.Hour), "Succeeded"},
		"it is two intervals ago":             {drilling(), 14 * day, drillOf("Complete", time.Hour), "Succeeded"},
		"it is more than two intervals ago":   {drilling(), 15 * day, drillOf("Complete", time.Hour), "ProvenTooOld"},
		"while it runs, a slow one is slow":   {drilling(proven, func(s *v1alpha1.CRMBackupSchedule) { s.Status.MeasuredRTOSeconds = build.Pointer[int64](9999) }), day, drillOf("Running", 0), "DrillTooSlow"},
		"long without drills, and one begins": {drilling(proven), 15 * day, drillOf("Running", 0), "ProvenTooOld"},
	} {
		t.Run(sentence, func(t *testing.T) {
			next := seenLater(c.schedule, c.later, c.drill)
			require.NoError(t, statuscheck.Check(1, next.ObservedGeneration, next.Conditions))
			got := meta.FindStatusCondition(next.Conditions, v1alpha1.ConditionBackupHealthy)
			assert.Equal(t, c.want, got.Reason, got.Message)
		})
	}
}

func TestWhatIsMeasuredStaysUntilAnotherDrillHasPassed(t *testing.T) {
	s := drilling()
	s.Status = seenLater(s, time.Hour, drillOf("Complete", time.Hour))
	require.NotNil(t, s.Status.LastProven)
	assert.Equal(t, drillTime.Add(time.Hour), s.Status.LastProven.Time)
	assert.EqualValues(t, 3600, *s.Status.MeasuredRTOSeconds, "rounded up")
	assert.EqualValues(t, 1200, *s.Status.MeasuredRPOSeconds)

	before := *s.Status.DeepCopy()
	for _, phase := range []string{"Running", "Failed"} {
		s.Status = seenLater(s, 2*time.Hour, drillOf(phase, 9*time.Hour))
		assert.Equal(t, phase, s.Status.Drill.Phase)
		assert.Equal(t, before.LastProven, s.Status.LastProven)
		assert.Equal(t, before.MeasuredRTOSeconds, s.Status.MeasuredRTOSeconds)
		assert.Equal(t, before.MeasuredRPOSeconds, s.Status.MeasuredRPOSeconds)
	}
}

func TestWhenTheProofIsTooOld(t *testing.T) {
	assert.Zero(t, status.ProvenUntil(&v1alpha1.CRMBackupScheduleStatus{}, time.Hour))
	proven := &v1alpha1.CRMBackupScheduleStatus{LastProven: &drillTime}
	assert.Zero(t, status.ProvenUntil(proven, 0), "nothing says how old it may be")
	assert.Equal(t, drillTime.Add(2*time.Hour), status.ProvenUntil(proven, time.Hour))
}
