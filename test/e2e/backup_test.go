//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Backups in real pods, to the two S3 servers beside the node. Drills, and restores in place from a location when another is damaged, are
// proof 8 of the demo.

func TestABackupMakesACopyAndIsShreddedWithItsEnvironment(t *testing.T) {
	t.Parallel()
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

	t.Run("a copy has its data and lets nobody in but its administrator", func(t *testing.T) {
		people, err := tryton(t.Context(), tenant.Name, "prod", "people")
		require.NoError(t, err)
		require.Equal(t, "admin crmkeep li.na", people)
		copyOfProd(t, tenant, "copy")
		answers(t, tenant.Name, "copy")
		assertCustomer(t, tenant.Name, "copy", name)
		people, err = tryton(t.Context(), tenant.Name, "copy", "people")
		require.NoError(t, err)
		assert.Equal(t, "admin crmkeep", people)
	})
	t.Run("after a shred nobody reads it any more", func(t *testing.T) { shredWithBackups(t, tenant, environment, backup) })
}

// copyOfProd makes an environment of the newest backup of prod.
func copyOfProd(t *testing.T, tenant *v1alpha1.CRMTenant, name string) {
	t.Helper()
	r := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: naming.HomeNamespace(tenant.Name)},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{NewestOf: &v1alpha1.NewestBackup{EnvironmentRef: v1alpha1.LocalReference{Name: "prod"}}},
			To:   v1alpha1.RestoreTo{NewEnvironment: &v1alpha1.NewEnvironment{Name: name}},
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

// bucket is where an environment's repositories are at a location, on this machine.
func bucket(location, namespace string) string {
	return filepath.Join(filepath.Dir(c.kubeconfig), "s3", location, "buckets/backups/keep", namespace)
}
