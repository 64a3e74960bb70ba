//go:build e2e

package e2e

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Backups in real pods, to the two S3 servers beside the node.

func TestABackupBringsBackWhatIsLost(t *testing.T) {
	tenant := newTenant(t, nil)
	environment := newEnvironment(tenant, "prod", "tryton", nil)
	require.NoError(t, c.Create(t.Context(), environment))
	becomesReady(t, environment)
	answers(t, tenant.Name, "prod")
	name := newCustomer(t, tenant.Name, "prod")
	_, err := tryton(t.Context(), tenant.Name, "prod", "hire", "li.na")
	require.NoError(t, err)

	backup := newBackup(tenant, "first", "prod")
	require.NoError(t, admin(t, tenant).Create(t.Context(), backup))
	ended(t, backup, &backup.Status.CompletedAt)
	require.Equal(t, v1alpha1.PhaseComplete, backup.Status.Phase, "%+v", backup.Status)
	require.NotNil(t, backup.Status.Record)
	assert.Greater(t, backup.Status.Record.Rows, int64(1000), "Tryton has some thousand rows from the start")
	require.Len(t, backup.Status.Locations, 2)
	damage(t, "near", workloadOf(environment))

	t.Run("a drill proves it by the location that is not damaged, and leaves nothing", func(t *testing.T) { drill(t, tenant) })
	t.Run("deleted data comes back in place", func(t *testing.T) {
		deleted, err := tryton(t.Context(), tenant.Name, "prod", "delete", name)
		require.NoError(t, err)
		require.Equal(t, "1", deleted)
		later := newCustomer(t, tenant.Name, "prod")
		restore(t, tenant, "back", v1alpha1.RestoreTo{EnvironmentRef: &v1alpha1.LocalReference{Name: "prod"}})
		becomesReady(t, environment)
		answers(t, tenant.Name, "prod")
		assertCustomer(t, tenant.Name, "prod", name)
		found, err := tryton(t.Context(), tenant.Name, "prod", "find", later)
		require.NoError(t, err)
		assert.Equal(t, "0", found, "what was entered after the backup")
	})
	t.Run("a copy has the data and lets nobody in but its administrator", func(t *testing.T) {
		people, err := tryton(t.Context(), tenant.Name, "prod", "people")
		require.NoError(t, err)
		require.Equal(t, "admin li.na", people)
		restore(t, tenant, "copy", v1alpha1.RestoreTo{NewEnvironment: &v1alpha1.NewEnvironment{Name: "copy"}})
		answers(t, tenant.Name, "copy")
		assertCustomer(t, tenant.Name, "copy", name)
		people, err = tryton(t.Context(), tenant.Name, "copy", "people")
		require.NoError(t, err)
		assert.Equal(t, "admin", people)
	})
	t.Run("after a shred nobody reads it any more", func(t *testing.T) { shredWithBackups(t, tenant, environment, backup) })
}

// drill waits for one drill of a schedule of its own.
func drill(t *testing.T, tenant *v1alpha1.CRMTenant) {
	t.Helper()
	schedule := &v1alpha1.CRMBackupSchedule{
		ObjectMeta: metav1.ObjectMeta{Name: "yearly", Namespace: naming.HomeNamespace(tenant.Name)},
		Spec: v1alpha1.CRMBackupScheduleSpec{
			EnvironmentRef: v1alpha1.LocalReference{Name: "prod"}, Schedule: "0 0 1 1 *", WindowSeconds: new(int64), Locations: []string{"near", "far"},
			Drill: &v1alpha1.RestoreDrill{Schedule: "* * * * *"},
		},
	}
	require.NoError(t, admin(t, tenant).Create(t.Context(), schedule))
	eventually(t, patient, "a drill to end", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(schedule), schedule); err != nil {
			return err
		}
		if d := schedule.Status.Drill; d == nil || d.CompletedAt == nil {
			return fmt.Errorf("it has not: %+v", d)
		}
		return nil
	})
	verdict := schedule.Status.Drill
	require.Equal(t, v1alpha1.PhaseComplete, verdict.Phase, verdict.Message)
	assert.Equal(t, "first", verdict.Backup)
	assert.NotNil(t, schedule.Status.LastProven)
	require.NotNil(t, schedule.Status.MeasuredRTOSeconds)
	require.NotNil(t, schedule.Status.MeasuredRPOSeconds)
	t.Logf("RTO %d s (%+v), RPO %d s", *schedule.Status.MeasuredRTOSeconds, verdict.Stages, *schedule.Status.MeasuredRPOSeconds)
	require.NoError(t, admin(t, tenant).Delete(t.Context(), schedule))
	goes(t, schedule)
	goes(t, &v1alpha1.CRMEnvironment{ObjectMeta: metav1.ObjectMeta{Namespace: schedule.Namespace, Name: naming.DrillEnvironment(schedule.Name)}})
	goes(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workload(tenant, naming.DrillEnvironment(schedule.Name))}})

	var signed corev1.ConfigMap
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Namespace: schedule.Namespace, Name: verdict.Name}, &signed))
	_, err := evidence.Read([]byte(signed.Data["certificate.json"]), ed25519.PublicKey(evidenceKey(t, workload(tenant, "prod"))))
	assert.NoError(t, err)
}

// restore puts the newest backup of prod somewhere.
func restore(t *testing.T, tenant *v1alpha1.CRMTenant, name string, to v1alpha1.RestoreTo) {
	t.Helper()
	r := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: naming.HomeNamespace(tenant.Name)},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{NewestOf: &v1alpha1.NewestBackup{EnvironmentRef: v1alpha1.LocalReference{Name: "prod"}}}, To: to,
		},
	}
	require.NoError(t, admin(t, tenant).Create(t.Context(), r))
	ended(t, r, &r.Status.CompletedAt)
	require.Equal(t, v1alpha1.PhaseComplete, r.Status.Phase, "%+v", r.Status)
}

// shredWithBackups destroys an environment's key and tries the repository's.
func shredWithBackups(t *testing.T, tenant *v1alpha1.CRMTenant, environment *v1alpha1.CRMEnvironment, backup *v1alpha1.CRMBackup) {
	t.Helper()
	namespace := workloadOf(environment)
	update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) { s.DeletionPolicy = v1alpha1.DeletionShred })
	require.NoError(t, c.Delete(t.Context(), environment))
	goes(t, environment)

	statement, err := certificateOf(t, tenant).Verify()
	require.NoError(t, err)
	require.Len(t, statement.Backups, 1)
	assert.Equal(t, backup.Name, statement.Backups[0].Name)

	kept, err := filepath.Glob(filepath.Join(bucket("far", namespace), "*/key.json"))
	require.NoError(t, err)
	require.Len(t, kept, 1, "the repository is there")
	content, err := os.ReadFile(kept[0])
	require.NoError(t, err)
	var wrapped map[string]any
	require.NoError(t, json.Unmarshal(content, &wrapped))
	_, err = c.vault.Logical().WriteWithContext(t.Context(), layout.Default().DecryptPath(layout.EncryptionKeyName(namespace)),
		map[string]any{"ciphertext": wrapped["ciphertext"]})
	assert.ErrorContains(t, err, "encryption key not found")
}

func newBackup(tenant *v1alpha1.CRMTenant, name, environment string) *v1alpha1.CRMBackup {
	return &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: naming.HomeNamespace(tenant.Name)},
		Spec: v1alpha1.CRMBackupSpec{
			EnvironmentRef: v1alpha1.LocalReference{Name: environment}, Locations: []string{"near", "far"},
		},
	}
}

// ended waits until a backup or a restore has an end. The time is read from the object.
func ended(t *testing.T, o client.Object, completedAt **metav1.Time) {
	t.Helper()
	eventually(t, patient, o.GetName()+" to end", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		if *completedAt == nil {
			return fmt.Errorf("it has not: %+v", o)
		}
		return nil
	})
}

// damage changes a byte in the middle of each file of data that an environment has at a location.
func damage(t *testing.T, location, namespace string) {
	t.Helper()
	folder := bucket(location, namespace)
	files := 0
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "/repository/data/") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		content[len(content)/2] ^= 0xff
		files++
		return os.WriteFile(path, content, 0o600)
	}))
	require.NotZero(t, files, "there is no data to damage in %s", folder)
}

// bucket is where an environment's repositories are at a location, on this machine.
func bucket(location, namespace string) string {
	return filepath.Join(filepath.Dir(c.kubeconfig), "s3", location, "buckets/backups/keep", namespace)
}
