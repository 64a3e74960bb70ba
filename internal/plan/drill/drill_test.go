package drill_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/drill"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

var due = metav1.NewTime(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))

func schedule(change ...func(*v1alpha1.CRMBackupSchedule)) *v1alpha1.CRMBackupSchedule {
	s := &v1alpha1.CRMBackupSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "nightly"}}
	s.Spec.EnvironmentRef.Name, s.Spec.Drill = "prod", &v1alpha1.RestoreDrill{Schedule: "@weekly"}
	for _, c := range change {
		c(s)
	}
	return s
}

func TestADrillIsARestoreThatOnlyItsScheduleCouldHaveMade(t *testing.T) {
	s := schedule(func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Drill.TimeoutSeconds = build.Pointer[int64](600) })
	r := drill.Restore(s, "nightly-drill-1")
	assert.True(t, drill.Made(s, r))
	assert.Equal(t, "prod", r.Spec.From.NewestOf.EnvironmentRef.Name)
	assert.Equal(t, naming.DrillEnvironment("nightly"), r.Spec.To.NewEnvironment.Name)
	assert.EqualValues(t, 600, *r.Spec.To.NewEnvironment.TTLSeconds)
	assert.Empty(t, r.Spec.To.NewEnvironment.KeepLogins)

	for sentence, change := range map[string]func(*v1alpha1.CRMRestore){
		"another schedule's": func(r *v1alpha1.CRMRestore) { r.Labels[naming.LabelSchedule] = "weekly" },
		"without a mark":     func(r *v1alpha1.CRMRestore) { r.Labels = nil },
		"a sandbox":          func(r *v1alpha1.CRMRestore) { r.Spec.To.NewEnvironment.Purpose = v1alpha1.PurposeSandbox },
		"in place": func(r *v1alpha1.CRMRestore) {
			r.Spec.To = v1alpha1.RestoreTo{EnvironmentRef: &v1alpha1.LocalReference{Name: "prod"}}
		},
	} {
		other := r.DeepCopy()
		change(other)
		assert.False(t, drill.Made(s, other), sentence)
	}
}

func TestADrillHasTwoHoursUnlessDeclared(t *testing.T) {
	assert.Equal(t, 2*time.Hour, drill.Timeout(schedule()))
	assert.Equal(t, 2*time.Hour, drill.Timeout(schedule(func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Drill = nil })))
}

func TestWhatAStatementSays(t *testing.T) {
	d := v1alpha1.DrillStatus{
		Name: "nightly-drill-1", Phase: v1alpha1.PhaseComplete, ScheduledAt: due, StartedAt: due, CompletedAt: &metav1.Time{Time: due.Add(time.Hour)},
		Backup: "nightly-1", Stages: []v1alpha1.RecoveryStage{{Name: "Restore", Milliseconds: 1001}},
	}
	b := &v1alpha1.CRMBackup{Status: v1alpha1.CRMBackupStatus{
		StartedAt: &metav1.Time{Time: due.Add(-time.Minute)}, Record: &v1alpha1.BackupRecord{ManifestDigest: "0a"},
	}}
	seen := facts.Drill{Backup: b, Checks: &facts.Checks{Each: []v1alpha1.RecoveryStage{{Name: "logs-in", Milliseconds: 5}}}}
	passed := drill.Statement("acme", schedule(), d, seen)
	assert.Equal(t, evidence.DrillStatement{
		Tenant: "acme", Environment: "prod", Schedule: "nightly", Drill: "nightly-drill-1", Backup: "nightly-1", ManifestDigest: "0a",
		ScheduledAt: "2026-11-22T03:00:00Z", StartedAt: "2026-11-22T03:00:00Z", EndedAt: "2026-11-22T04:00:00Z",
		Stages: []evidence.Stage{{Name: "Restore", Milliseconds: 1001}}, Checks: []evidence.Stage{{Name: "logs-in", Milliseconds: 5}},
		RTOSeconds: build.Pointer[int64](2), RPOSeconds: build.Pointer[int64](60), Verdict: evidence.VerdictPassed,
	}, passed)

	d.Phase, d.Message, d.Backup = v1alpha1.PhaseFailed, "NoBackup: none", ""
	failed := drill.Statement("acme", schedule(), d, facts.Drill{})
	assert.Equal(t, evidence.VerdictFailed, failed.Verdict)
	assert.Equal(t, "NoBackup: none", failed.Message)
	assert.Nil(t, failed.RTOSeconds, "what failed measures nothing")
	assert.Nil(t, failed.RPOSeconds)
	assert.Empty(t, failed.ManifestDigest)
}

func TestTheResultIsKeptForTheTenantAndNobodyChangesIt(t *testing.T) {
	result, err := drill.Result(schedule(), "nightly-drill-1", evidence.Certificate{Statement: "{}"})
	require.NoError(t, err)
	assert.True(t, result.CreateOnly)
	l := drill.ResultLabels(schedule())
	assert.Equal(t, naming.ManagedBy, l[naming.LabelManagedBy])
	assert.Equal(t, "acme", l[naming.LabelTenant])
	assert.Equal(t, "nightly", l[naming.LabelSchedule])
	assert.NotEmpty(t, l[naming.LabelEvidence])
	assert.NotContains(t, l, naming.LabelEnvironment, "the environment's end does not reach it")
}
