package status

import (
	"errors"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// maxMessage is the API's limit of a condition's message, with room for an ellipsis.
const maxMessage = 32000

// writer changes conditions so that what has not changed stays as it was, transition time included.
type writer struct {
	conditions *[]metav1.Condition
	generation int64
	now        metav1.Time
}

func (w writer) put(kind string, value metav1.ConditionStatus, reason, message string) {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	meta.SetStatusCondition(w.conditions, metav1.Condition{
		Type: kind, Status: value, Reason: reason, Message: message, ObservedGeneration: w.generation, LastTransitionTime: w.now,
	})
}

// set writes a domain condition: True without an error, Unknown when it was not tried, else False.
func (w writer) set(c condition) {
	switch {
	case c.err == nil:
		w.put(c.kind, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "")
	case errors.Is(c.err, ErrNotReached):
		w.put(c.kind, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "waits for an earlier step")
	default:
		reason, message := explain(c.err)
		w.put(c.kind, metav1.ConditionFalse, reason, message)
	}
}

// ready writes Ready, Reconciling and Stalled, which kstatus reads. The reason goes with success.
func (w writer) ready(err error, reason string) {
	if err == nil {
		w.put(v1alpha1.ConditionReady, metav1.ConditionTrue, reason, "")
		meta.RemoveStatusCondition(w.conditions, v1alpha1.ConditionReconciling)
		meta.RemoveStatusCondition(w.conditions, v1alpha1.ConditionStalled)
		return
	}
	reason, message := explain(err)
	w.put(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
	active, absent := v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled
	_, waiting := outcome.AsWaiting(err)
	if _, invalid := outcome.AsInvalid(err); invalid && !waiting {
		active, absent = absent, active
	}
	w.put(active, metav1.ConditionTrue, reason, message)
	meta.RemoveStatusCondition(w.conditions, absent)
}

// explain gives the reason and message of an error: its own when it is waiting or invalid.
func explain(err error) (reason, message string) {
	if w, ok := outcome.AsWaiting(err); ok {
		return w.Reason, w.Message
	}
	if i, ok := outcome.AsInvalid(err); ok {
		return i.Reason, i.Message
	}
	return v1alpha1.ReasonRetrying, "trying again after: " + err.Error()
}

// ExpiresAt is when a sandbox with a TTL is to be deleted.
func ExpiresAt(env *v1alpha1.CRMEnvironment) (metav1.Time, bool) {
	if env.Spec.TTLSeconds == nil {
		return metav1.Time{}, false
	}
	return metav1.NewTime(env.CreationTimestamp.Add(time.Duration(*env.Spec.TTLSeconds) * time.Second)), true
}
