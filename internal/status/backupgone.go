package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// BackupDestroyed says of a backup that its environment's key was destroyed. The record stays: it tells what there was.
func BackupDestroyed(b *v1alpha1.CRMBackup, now metav1.Time) v1alpha1.CRMBackupStatus {
	s := *b.Status.DeepCopy()
	s.ObservedGeneration = b.Generation
	writer{conditions: &s.Conditions, generation: b.Generation, now: now}.ready(outcome.Reject(v1alpha1.ReasonKeyVersionGone,
		"the key that it needs was destroyed with CRMEnvironment %s; nobody can read it any more", b.Spec.EnvironmentRef.Name), "")
	return s
}
