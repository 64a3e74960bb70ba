//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// Backups in real pods, to the two S3 servers beside the node.

func TestDeletedDataComesBackThoughOneOfTwoLocationsIsDamaged(t *testing.T) {
	tenant := newTenant(t, nil)
	environment := newEnvironment(tenant, "prod", "tryton", nil)
	require.NoError(t, c.Create(t.Context(), environment))
	becomesReady(t, environment)
	answers(t, tenant.Name, "prod")
	name := newCustomer(t, tenant.Name, "prod")

	backup := newBackup(tenant, "first", "prod")
	require.NoError(t, admin(t, tenant).Create(t.Context(), backup))
	ended(t, backup, &backup.Status.CompletedAt)
	require.Equal(t, v1alpha1.PhaseComplete, backup.Status.Phase, "%+v", backup.Status)
	require.NotNil(t, backup.Status.Record)
	assert.Greater(t, backup.Status.Record.Rows, int64(1000), "Tryton has some thousand rows from the start")
	require.Len(t, backup.Status.Locations, 2)

	damage(t, "near", workloadOf(environment))
	deleted, err := tryton(t.Context(), tenant.Name, "prod", "delete", name)
	require.NoError(t, err)
	require.Equal(t, "1", deleted)
	later := newCustomer(t, tenant.Name, "prod")

	restore := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Name: "first", Namespace: environment.Namespace},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{NewestOf: &v1alpha1.NewestBackup{EnvironmentRef: v1alpha1.LocalReference{Name: "prod"}}},
			To:   v1alpha1.RestoreTo{EnvironmentRef: &v1alpha1.LocalReference{Name: "prod"}},
		},
	}
	require.NoError(t, admin(t, tenant).Create(t.Context(), restore))
	ended(t, restore, &restore.Status.CompletedAt)
	require.Equal(t, v1alpha1.PhaseComplete, restore.Status.Phase, "%+v", restore.Status)
	becomesReady(t, environment)
	answers(t, tenant.Name, "prod")
	assertCustomer(t, tenant.Name, "prod", name)
	found, err := tryton(t.Context(), tenant.Name, "prod", "find", later)
	require.NoError(t, err)
	assert.Equal(t, "0", found, "what was entered after the backup")
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
	folder := filepath.Join(filepath.Dir(c.kubeconfig), "s3", location, "buckets/backups/keep", namespace)
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
