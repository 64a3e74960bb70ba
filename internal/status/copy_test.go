package status_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// copying is a copy whose database is up, and the restore that fills it.
func copying(restore *v1alpha1.CRMRestore, change ...func(*moment)) moment {
	return running(append([]func(*moment){func(m *moment) {
		m.env.Status.Version, m.env.Spec.Source = "", &v1alpha1.EnvironmentSource{BackupRef: &v1alpha1.LocalReference{Name: "nightly"}}
		m.seen = facts.Environment{Database: up, Source: &facts.Source{Restore: restore}}
	}}, change...)...)
}

func restoreAt(phase, reason string, finished bool) *v1alpha1.CRMRestore {
	r := &v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Name: "copy-source"}}
	r.Status.Phase = phase
	r.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason, Message: "its own words"}}
	if finished {
		r.Status.CompletedAt = &now
	}
	return r
}

func TestACopySaysHowFarItsDataIs(t *testing.T) {
	for sentence, c := range map[string]struct {
		moment moment
		ready  string
		filled string
		says   string
	}{
		"its restore is not made yet": {copying(nil), "Reconciling Progressing", "False Progressing", "when the database takes connections"},
		"its restore was not looked at yet": {
			copying(&v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Name: "copy-source"}}), "Reconciling Progressing", "False Progressing", "copy-source",
		},
		"its restore waits":   {copying(restoreAt("Pending", "LocationNotReady", false)), "Reconciling LocationNotReady", "False LocationNotReady", "its own words"},
		"its restore failed":  {copying(restoreAt("Failed", "VerifyFailed", true)), "Stalled VerifyFailed", "False VerifyFailed", "Delete the environment"},
		"its restore refuses": {copying(restoreAt("Refused", "KeyVersionGone", true)), "Stalled KeyVersionGone", "False KeyVersionGone", "its own words"},
		"its restore cannot be made": {
			copying(nil, func(m *moment) { m.pass.Fill = errors.New("the API server is away") }), "Reconciling Retrying", "False Retrying", "API server",
		},
		"its keys cannot be had": {
			copying(nil, func(m *moment) {
				m.pass.Keys, m.pass.Fill = outcome.Wait("VaultSealed", 0, "unseal it"), status.ErrNotReached
			}),
			"Reconciling VaultSealed", "Unknown Progressing", "earlier step",
		},
		"it is suspended": {
			copying(nil, func(m *moment) { m.env.Spec.State, m.seen.Database = v1alpha1.StateSuspended, stopped }), "True Suspended", "False Suspended", "spec.state",
		},
		"it was filled, and the migration is next": {
			copying(nil, func(m *moment) {
				m.env.Status.Source = &v1alpha1.EnvironmentSourceStatus{Backup: "nightly", Version: "1.0"}
			}),
			"Reconciling Progressing", "True Succeeded", "",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := c.moment.fold(t, now)
			require.NoError(t, statuscheck.Check(3, got.ObservedGeneration, got.Conditions))
			assert.Equal(t, c.ready, summary(got.Conditions))
			filled := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionFilled)
			require.NotNil(t, filled)
			assert.Equal(t, c.filled, string(filled.Status)+" "+filled.Reason)
			assert.Contains(t, filled.Message, c.says)
			assert.Equal(t, c.moment.env.Status.Source, got.Source)
			assert.Empty(t, got.Version)
		})
	}
	empty := running()
	assert.Nil(t, meta.FindStatusCondition(empty.fold(t, now).Conditions, v1alpha1.ConditionFilled), "without a source there is no such condition")
}

// into is a restore into a new environment that began when now was.
func into() *v1alpha1.CRMRestore {
	r := &v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Name: "look", Generation: 1}}
	r.Spec.To.NewEnvironment = &v1alpha1.NewEnvironment{Name: "look"}
	r.Status.Phase, r.Status.StartedAt, r.Status.Backup = v1alpha1.PhaseRunning, &now, "nightly"
	return r
}

func inSeconds(seconds int64) metav1.Time {
	return metav1.NewTime(now.Add(time.Duration(seconds) * time.Second))
}

func TestARestoreIntoANewEnvironmentMeasuresEachStage(t *testing.T) {
	r, env := into(), build.Environment("acme", "look")
	condition := func(kind string, value metav1.ConditionStatus, at metav1.Time) {
		meta.SetStatusCondition(&env.Status.Conditions, metav1.Condition{
			Type: kind, Status: value, Reason: "Progressing", Message: "goes on", LastTransitionTime: at, ObservedGeneration: env.Generation})
	}
	condition(v1alpha1.ConditionReady, metav1.ConditionFalse, inSeconds(1))
	condition(v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, inSeconds(20))
	r.Status = status.RestoreIntoNew(r, status.NewEnvironmentPass{Environment: env}, inSeconds(21))
	assert.Equal(t, "Reconciling Progressing", summary(r.Status.Conditions))
	assert.Equal(t, []v1alpha1.RecoveryStage{{Name: "Environment", Milliseconds: 20_000}}, r.Status.Stages)

	ended := inSeconds(50)
	filling := &v1alpha1.CRMRestore{Status: v1alpha1.CRMRestoreStatus{
		Phase: v1alpha1.PhaseComplete, CompletedAt: &ended, Stages: []v1alpha1.RecoveryStage{{Name: "Restore", Milliseconds: 25_000}}}}
	condition(v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, inSeconds(20))
	condition(v1alpha1.ConditionReady, metav1.ConditionTrue, inSeconds(60))
	r.Status = status.RestoreIntoNew(r, status.NewEnvironmentPass{Environment: env, Filling: filling}, inSeconds(61))
	assert.Equal(t, "True Succeeded", summary(r.Status.Conditions))
	assert.Equal(t, v1alpha1.PhaseComplete, r.Status.Phase)
	assert.Equal(t, []v1alpha1.RecoveryStage{
		{Name: "Environment", Milliseconds: 20_000}, {Name: "Restore", Milliseconds: 25_000}, {Name: "Start", Milliseconds: 10_000}}, r.Status.Stages)
	require.NoError(t, statuscheck.Check(1, r.Status.ObservedGeneration, r.Status.Conditions))
}

func TestARestoreIntoANewEnvironmentThatSomethingIsInTheWayOfSaysSinceWhenAndHowToGiveItUp(t *testing.T) {
	r, env := into(), build.Environment("acme", "look")
	env.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonUnschedulable, Message: "no node takes pod web-0",
		ObservedGeneration: env.Generation,
	}}
	r.Status = status.RestoreIntoNew(r, status.NewEnvironmentPass{Environment: env}, inSeconds(3600))
	assert.Equal(t, "Reconciling Unschedulable", summary(r.Status.Conditions))
	assert.Nil(t, r.Status.CompletedAt)
	ready := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionReady)
	assert.Equal(t, "CRMEnvironment look: no node takes pod web-0 (waited for since "+now.UTC().Format(time.RFC3339)+
		"; the restore goes on once that is mended, and deleting the environment gives it up)", ready.Message)
	again := status.RestoreIntoNew(r, status.NewEnvironmentPass{Environment: env}, inSeconds(7200))
	assert.Equal(t, r.Status, again, "an hour later there is nothing to write")
}

func TestARestoreIntoANewEnvironmentEndsWhenThatCannotCome(t *testing.T) {
	cannot := status.NewEnvironmentPass{Err: outcome.Reject(v1alpha1.ReasonNameClash, "it cannot come")}
	failed := status.RestoreIntoNew(into(), cannot, later)
	assert.Equal(t, v1alpha1.PhaseFailed, failed.Phase)
	fresh := into()
	fresh.Status = v1alpha1.CRMRestoreStatus{}
	refused := status.RestoreIntoNew(fresh, cannot, later)
	assert.Equal(t, v1alpha1.PhaseRefused, refused.Phase)
	for _, s := range []v1alpha1.CRMRestoreStatus{failed, refused} {
		assert.Equal(t, &later, s.CompletedAt)
		assert.Equal(t, "Stalled NameClash", summary(s.Conditions))
	}
	begun := status.RestoreIntoNew(fresh, status.NewEnvironmentPass{Backup: "nightly", Begin: true}, now)
	assert.Equal(t, v1alpha1.PhaseChecking, begun.Phase)
	assert.Equal(t, "nightly", begun.Backup)
}
