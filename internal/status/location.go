package status

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// checkedEvery is how often LastChecked is written while nothing else changes.
const checkedEvery = 10 * time.Minute

// Location folds a look at a backup location into its new status.
func Location(l *v1alpha1.CRMBackupLocation, looked error, now metav1.Time) v1alpha1.CRMBackupLocationStatus {
	s := l.Status.DeepCopy()
	wasReady := meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReady)
	s.ObservedGeneration = l.Generation
	writer{conditions: &s.Conditions, generation: l.Generation, now: now}.ready(looked, v1alpha1.ReasonSucceeded)
	if looked == nil && (!wasReady || s.LastChecked == nil || now.Sub(s.LastChecked.Time).Abs() >= checkedEvery) {
		s.LastChecked = &now
	}
	return *s
}
