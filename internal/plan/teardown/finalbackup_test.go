package teardown_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

var now = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)

func deleted(change ...func(*v1alpha1.CRMEnvironment)) *v1alpha1.CRMEnvironment {
	env := build.Environment("acme", "prod", change...)
	at := metav1.NewTime(now)
	env.UID, env.DeletionTimestamp = "0b9c2a4e-6c7d-4a53-9a43-5f1b1d1f3a77", &at
	env.Spec.FinalBackup = &v1alpha1.FinalBackup{Locations: []string{"main", "second"}}
	return env
}

// made is the attempt as the API server would keep it.
func made(t *testing.T, env *v1alpha1.CRMEnvironment, others []v1alpha1.CRMBackup, at time.Time) v1alpha1.CRMBackup {
	t.Helper()
	next := teardown.NextFinalBackup(env, others, at)
	require.NotNil(t, next.Make)
	next.Make.CreationTimestamp = metav1.NewTime(at)
	return *next.Make
}

func ended(b v1alpha1.CRMBackup, phase string, at time.Time) v1alpha1.CRMBackup {
	moment := metav1.NewTime(at)
	b.Status.Phase, b.Status.CompletedAt = phase, &moment
	b.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Message: "second: no such bucket"}}
	return b
}

func TestADeletionWaitsForABackupInEveryLocation(t *testing.T) {
	env := deleted()
	first := made(t, env, nil, now)
	assert.LessOrEqual(t, len(first.Name), 53)
	assert.Equal(t, []string{"main", "second"}, first.Spec.Locations)

	next := teardown.NextFinalBackup(env, []v1alpha1.CRMBackup{first}, now)
	assert.Nil(t, next.Make, "one at a time")
	wait, ok := outcome.AsWaiting(next.Waits)
	require.True(t, ok)
	assert.Equal(t, v1alpha1.ReasonFinalBackup, wait.Reason)
	assert.Contains(t, wait.Message, first.Name+" is Pending")
	assert.Contains(t, wait.Message, "Remove spec.finalBackup to go on without it")

	complete := teardown.NextFinalBackup(env, []v1alpha1.CRMBackup{ended(first, v1alpha1.PhaseComplete, now)}, now)
	assert.Equal(t, teardown.FinalBackup{Complete: first.Name}, complete)

	env.Status.FinalBackup = first.Name
	assert.False(t, teardown.WantsFinalBackup(env), "its record may go now")
}

func TestAFinalBackupThatFailsIsTriedAgainUnderAnotherNameEverLater(t *testing.T) {
	env, at := deleted(), now
	var attempts []v1alpha1.CRMBackup
	for i, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		phase := v1alpha1.PhaseFailed
		if i%2 == 1 {
			phase = v1alpha1.PhasePartiallyFailed
		}
		b := ended(made(t, env, attempts, at), phase, at)
		for _, other := range attempts {
			require.NotEqual(t, other.Name, b.Name)
		}
		attempts = append(attempts, b)
		early := teardown.NextFinalBackup(env, attempts, at.Add(pause*time.Minute-time.Second))
		require.Nil(t, early.Make, "after %d failures", i+1)
		wait, _ := outcome.AsWaiting(early.Waits)
		assert.Equal(t, time.Second, wait.After)
		assert.Contains(t, wait.Message, "second: no such bucket")
		at = at.Add(pause * time.Minute)
	}
}

func TestOnlyABackupThatWasMadeForTheDeletionCounts(t *testing.T) {
	for sentence, change := range map[string]func(*v1alpha1.CRMBackup){
		"one of before":                func(b *v1alpha1.CRMBackup) { b.CreationTimestamp = metav1.NewTime(now.Add(-time.Second)) },
		"one of another environment":   func(b *v1alpha1.CRMBackup) { b.Spec.EnvironmentRef.Name = "test" },
		"one of an earlier one's":      func(b *v1alpha1.CRMBackup) { b.Labels = map[string]string{"crmkeep.io/final-of": "other"} },
		"one in fewer locations":       func(b *v1alpha1.CRMBackup) { b.Spec.Locations = []string{"main"} },
		"one that only imports a name": func(b *v1alpha1.CRMBackup) { b.Spec.Import = &v1alpha1.BackupImport{ID: "old"} },
	} {
		t.Run(sentence, func(t *testing.T) {
			env := deleted()
			b := ended(made(t, env, nil, now), v1alpha1.PhaseComplete, now)
			require.True(t, teardown.IsFinalBackup(&b, env))
			change(&b)
			next := teardown.NextFinalBackup(env, []v1alpha1.CRMBackup{b}, now)
			assert.Empty(t, next.Complete)
			require.NotNil(t, next.Make)
			assert.NotEqual(t, b.Name, next.Make.Name)
		})
	}
}

func TestWhatIsKeptIsNamedWithItsPlace(t *testing.T) {
	env := deleted(func(e *v1alpha1.CRMEnvironment) {
		born := metav1.NewTime(time.Unix(1795219200, 0))
		e.Status.Encryption = &v1alpha1.EncryptionStatus{KeyCreated: &born}
	})
	gone := teardown.Environment{Tenant: "acme", Name: "prod", Namespace: "crm-acme--prod", Settings: build.Settings()}
	var all []v1alpha1.CRMBackup
	for i, repository := range []string{"crm-acme--prod/1795219200", "crm-acme--prod/1795219200", "crm-acme--prod/17"} {
		b := ended(v1alpha1.CRMBackup{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("b", i), UID: "12345678"}}, v1alpha1.PhaseComplete, now.Add(-time.Duration(i)*time.Hour))
		b.Status.Record = &v1alpha1.BackupRecord{Repository: repository}
		b.Status.Locations = []v1alpha1.BackupLocationStatus{{Name: "main", Phase: v1alpha1.PhaseComplete}, {Name: "second", Phase: v1alpha1.PhaseFailed}}
		all = append(all, b)
	}
	made := gone.MadeWith(env, all)
	require.Len(t, made, 2, "an earlier key's are not its")
	assert.Equal(t, "b1", made[0].Name, "oldest first")
	locations := map[string]v1alpha1.CRMBackupLocation{"main": {Spec: v1alpha1.CRMBackupLocationSpec{
		Endpoint: "https://s3.example/", Bucket: "backups", Prefix: "keep"}}}

	said := gone.Whereabouts(v1alpha1.DeletionRetain, made, locations)
	assert.Equal(t, "The volumes are kept in namespace crm-acme--prod. Vault keeps key crm-acme--prod. Backups are kept at main "+
		"(https://s3.example/backups/keep/crm-acme--prod/1795219200). An environment of the name prod in the same tenant takes all of it up again", said)
	said = gone.Whereabouts(v1alpha1.DeletionDelete, nil, nil)
	assert.Contains(t, said, "The volumes are gone with namespace crm-acme--prod")
	assert.Contains(t, said, "There are no backups")

	statement := gone.Statement(env, build.Tenant("acme"), made, now)
	require.Len(t, statement.Backups, 2)
	assert.Equal(t, "b1-12345678", statement.Backups[0].ID)
	assert.Equal(t, []string{"main"}, statement.Backups[0].Locations)
	assert.Equal(t, 2, statement.BackupCount)
}
