package controllers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

func failedBackupsAreForgottenToo(t *testing.T, in *installation) {
	p := in.protected(t, "tidying")
	s := p.schedule(t, "often", func(s *v1alpha1.CRMBackupSchedule) {
		s.Spec.State, s.Spec.Schedule, s.Spec.HistoryLimit = "Suspended", "0 0 1 1 *", build.Pointer[int32](1)
		s.Spec.Retention = &v1alpha1.BackupRetention{Last: build.Pointer[int32](1)}
	})
	in.scheduleComesTo(t, s, "True ScheduleSuspended")
	older := p.earlier(t, s, 3*time.Hour)
	failed, kept := p.failed(t, s, "half"), p.failed(t, s, "half-again")
	newest := p.earlier(t, s, time.Hour)
	byHand := p.backup(t, "by-hand")
	p.tells(t, "backup.by-hand", 0, `{"reason":"VaultSealed","message":"Vault is sealed"}`)
	in.backupComesTo(t, byHand, v1alpha1.PhaseFailed, "Stalled VaultSealed")

	edit(t, in, s, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.State = "" })
	p.run(t, "care.often")
	var told corev1.ConfigMap
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: workloadNamespace(p.env), Name: backup.CareJob(s)}, &told))
	for b, forgotten := range map[*v1alpha1.CRMBackup]bool{older: true, failed: true, byHand: true, kept: false, newest: false} {
		assert.Equal(t, forgotten, contains(told.Data["run.yaml"], backup.ID(b)), b.Name)
	}
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(failed), failed), "the record stays until the repositories have forgotten")
	p.tells(t, "care.often", 0, `{"locations":[{"name":"tidying-a"},{"name":"tidying-b"}]}`)
	in.gone(t, failed)
	in.gone(t, older)
	in.until(t, "the record of a person's stays, and says that nothing is left of it", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(byHand), byHand); err != nil {
			return err
		}
		return mustBe(byHand.Annotations[naming.AnnotationForgottenAt] != "" && byHand.Status.Phase == v1alpha1.PhaseFailed, "%v", byHand.Annotations)
	})
	for _, b := range []*v1alpha1.CRMBackup{kept, newest} {
		require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(b), b))
	}
}

// failed makes a backup of a schedule that began and failed.
func (p protected) failed(t *testing.T, s *v1alpha1.CRMBackupSchedule, name string) *v1alpha1.CRMBackup {
	t.Helper()
	b := &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name, Labels: map[string]string{naming.LabelSchedule: s.Name}},
		Spec:       v1alpha1.CRMBackupSpec{EnvironmentRef: s.Spec.EnvironmentRef, Locations: p.locations},
	}
	p.create(t, b)
	p.tells(t, "backup."+name, 0, `{"reason":"VaultSealed","message":"Vault is sealed"}`)
	p.backupComesTo(t, b, v1alpha1.PhaseFailed, "Stalled VaultSealed")
	return b
}
