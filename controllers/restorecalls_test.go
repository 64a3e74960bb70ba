package controllers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

func TestAnEnvironmentCallsTheRestoresThatWaitForIt(t *testing.T) {
	env := &v1alpha1.CRMEnvironment{ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "look"}}
	assert.Empty(t, restoresOfEnvironment(t.Context(), env))

	env.Spec.Source = &v1alpha1.EnvironmentSource{BackupRef: &v1alpha1.LocalReference{Name: "good"}}
	filling := request("crm-acme", "look-source")
	assert.Equal(t, filling, restoresOfEnvironment(t.Context(), env), "it begins as soon as there is a database")

	env.Labels = map[string]string{naming.LabelRestore: "peek"}
	assert.Equal(t, append(request("crm-acme", "peek"), filling...), restoresOfEnvironment(t.Context(), env))
}

func TestAnEnvironmentSaysWhatTheRestoreWaitsForThatFillsIt(t *testing.T) {
	says := func(reason string) *v1alpha1.CRMRestore {
		return &v1alpha1.CRMRestore{
			ObjectMeta: metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{
				*metav1.NewControllerRef(&v1alpha1.CRMEnvironment{}, v1alpha1.SchemeGroupVersion.WithKind("CRMEnvironment")),
			}},
			Status: v1alpha1.CRMRestoreStatus{Phase: v1alpha1.PhaseRunning, Conditions: []metav1.Condition{{Reason: reason}}},
		}
	}
	stopping, going := says(v1alpha1.ReasonStopping), says(v1alpha1.ReasonProgressing)
	assert.True(t, restoreTold().Update(event.UpdateEvent{ObjectOld: stopping, ObjectNew: going}))
	assert.False(t, restoreTold().Update(event.UpdateEvent{ObjectOld: going, ObjectNew: going.DeepCopy()}))

	stopping.OwnerReferences, going.OwnerReferences = nil, nil
	assert.False(t, restoreTold().Update(event.UpdateEvent{ObjectOld: stopping, ObjectNew: going}), "one in place says more than its environment")
}
