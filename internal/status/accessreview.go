package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// AccessReviewed notes the question that was answered by a list of who can log in.
func AccessReviewed(env *v1alpha1.CRMEnvironment, question string, now metav1.Time) v1alpha1.CRMEnvironmentStatus {
	a := &v1alpha1.AccessStatus{}
	if env.Status.Access != nil {
		a = env.Status.Access.DeepCopy()
	}
	a.Reviewed = question
	return withAccess(env, a, now)
}
