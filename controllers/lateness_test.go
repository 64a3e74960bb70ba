package controllers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

func TestACreationIsOfInterestOnlyWhenSomethingHasBecomeOfTheObjectAlready(t *testing.T) {
	for sentence, c := range map[string]struct {
		fresh, late client.Object
	}{
		"a Deployment": {&appsv1.Deployment{}, &appsv1.Deployment{Status: appsv1.DeploymentStatus{ObservedGeneration: 1}}},
		"a database":   {&appsv1.StatefulSet{}, &appsv1.StatefulSet{Status: appsv1.StatefulSetStatus{ObservedGeneration: 1}}},
		"a migration": {&batchv1.Job{}, &batchv1.Job{Status: batchv1.JobStatus{
			Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}},
		}}},
		"a pod": {
			&corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}, &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning}},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			assert.False(t, notCreation().Create(event.CreateEvent{Object: c.fresh}))
			assert.True(t, notCreation().Create(event.CreateEvent{Object: c.late}))
			assert.False(t, notCreation().Create(event.CreateEvent{Object: c.late, IsInInitialList: true}), "at the start everything is looked at anyway")
		})
	}
}
