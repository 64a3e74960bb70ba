package status_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// keptBackups are of key versions, oldest first, made with the key that withKey has.
func keptBackups(versions ...int64) []facts.Backup {
	var all []facts.Backup
	for i, v := range versions {
		all = append(all, facts.Backup{Name: fmt.Sprintf("b%d", i), KeyVersion: v, Repository: "crm-acme--prod/1795219200"})
	}
	return all
}

func withKey(latest, least int64, backups []facts.Backup) moment {
	return running(func(m *moment) {
		born := metav1.NewTime(time.Unix(1795219200, 0))
		m.pass.Encryption = &v1alpha1.EncryptionStatus{KeyVersion: latest, MinDecryptionVersion: least, KeyCreated: &born}
		m.seen.Backups = backups
		m.seen.Schedules = []facts.Schedule{{Name: "nightly", Health: &metav1.Condition{Status: metav1.ConditionTrue}}}
	})
}

func TestTheStatusNamesTheOldestVersionOfTheKeyThatABackupNeeds(t *testing.T) {
	for sentence, c := range map[string]struct {
		backups []facts.Backup
		want    int64
		by      []string
	}{
		"no backup needs none":                    {},
		"the oldest version of all":               {keptBackups(2, 2, 3), 2, []string{"b0", "b1"}},
		"an imported record may be out of order":  {keptBackups(3, 1, 2), 1, []string{"b1"}},
		"not those that an earlier key has made":  {append(keptBackups(4), facts.Backup{Name: "old", KeyVersion: 1, Repository: "crm-acme--prod/17"}), 4, []string{"b0"}},
		"ten are named, the oldest of those made": {keptBackups(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 1, []string{"b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			m := withKey(5, 1, c.backups)
			got := m.fold(t, now)
			assert.Equal(t, c.want, got.Encryption.NeededKeyVersion)
			assert.Equal(t, c.by, got.Encryption.NeededBy)
			assert.True(t, meta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionBackupHealthy))
			m.env.Status = got
			assert.Equal(t, got, m.fold(t, later), "and is written once")
		})
	}
}

func TestABackupThatVaultWillNotDecryptIsNamedWithWhatBringsItBack(t *testing.T) {
	m := withKey(5, 3, keptBackups(1, 2, 3))
	got := m.fold(t, now)
	c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionBackupHealthy)
	require.NotNil(t, c)
	assert.Equal(t, v1alpha1.ReasonKeyVersionGone, c.Reason)
	assert.Contains(t, c.Message, "CRMBackup b0, b1:")
	assert.Contains(t, c.Message, "vault write crmkeep-transit/keys/crm-acme--prod/config min_decryption_version=1")
	assert.True(t, meta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionReady), "the application runs all the same")

	m = withKey(20, 15, keptBackups(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16))
	got = m.fold(t, now)
	assert.Contains(t, meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionBackupHealthy).Message, "b9 and 2 more:")
}

func TestADeletionThatWaitsSaysSoAndTheEnvironmentIsKeptUp(t *testing.T) {
	m := running(func(m *moment) { m.pass.Deletion = outcome.Wait(v1alpha1.ReasonFinalBackup, time.Minute, "wait") })
	got := m.fold(t, now)
	assert.Equal(t, v1alpha1.ReasonFinalBackup, meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady).Reason)
	assert.True(t, meta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionWorkloadReady))
	m.env.Status = got
	assert.Equal(t, got, m.fold(t, later), "and is written once")

	m.pass.Refused = outcome.Reject(v1alpha1.ReasonSizeUnknown, "spec.size: no")
	got = m.fold(t, later)
	assert.Equal(t, v1alpha1.ReasonFinalBackup, meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady).Reason)
}
