package status

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// Closed says since when people are kept out, in what is known of an environment's role policies. An environment that has none is left
// without.
func Closed(known *v1alpha1.AccessStatus, closed bool, now metav1.Time) *v1alpha1.AccessStatus {
	was := known != nil && known.ClosedSince != nil
	if was == closed {
		return known
	}
	next := &v1alpha1.AccessStatus{}
	if known != nil {
		next = known.DeepCopy()
	}
	next.ClosedSince = nil
	if closed {
		next.ClosedSince = &now
	}
	if equality.Semantic.DeepEqual(next, &v1alpha1.AccessStatus{}) {
		return nil
	}
	return next
}

// restoreBegins tells whether the status does not speak of the restore yet, which waits until it does.
func restoreBegins(s *v1alpha1.CRMEnvironmentStatus, f *facts.Environment) bool {
	c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionWorkloadReady)
	return f.Restoring != "" && (c == nil || c.Reason != v1alpha1.ReasonRestoring)
}

// letIn says what people wait for who are kept out of an environment that runs.
func letIn(t *target.Target, a *v1alpha1.AccessStatus) error {
	switch {
	case !t.Closed || t.State != v1alpha1.StateRunning:
		return nil
	case a.Failure != nil:
		return outcome.Wait(v1alpha1.ReasonRolesPending, 0, "people are kept out until the role policies hold: %s", a.Failure.Message)
	}
	return outcome.Wait(v1alpha1.ReasonRolesPending, 0, "people are kept out until the role policies hold")
}
