package controllers

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// isLate tells of an object that is seen for the first time whether something has become of it already. So it is with what was made
// while the watch was away, as when the API server was restarted: the event of its creation is then the only one.
func isLate(o client.Object) bool {
	switch o := o.(type) {
	case *appsv1.Deployment:
		return o.Status.ObservedGeneration > 0
	case *appsv1.StatefulSet:
		return o.Status.ObservedGeneration > 0
	case *batchv1.Job:
		return o.Status.StartTime != nil || len(o.Status.Conditions) > 0
	case *corev1.Pod:
		return o.Status.Phase != "" && o.Status.Phase != corev1.PodPending || len(o.Status.ContainerStatuses) > 0
	case *v1alpha1.CRMEnvironment:
		return len(o.Status.Conditions) > 0
	case *v1alpha1.CRMBackup:
		return len(o.Status.Conditions) > 0
	case *v1alpha1.CRMRestore:
		return len(o.Status.Conditions) > 0
	}
	return false
}
