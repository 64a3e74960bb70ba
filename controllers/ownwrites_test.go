package controllers

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// A Deployment lost its labels and got them back: the first pass said that it was not ready, and the second, whose cache did not show
// that yet, found the status of before as it should be and wrote nothing. The status stayed wrong until something else happened.
func TestAPassThatDoesNotSeeTheLastStatusComesBackRatherThanFindItRight(t *testing.T) {
	types := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(types))
	tenant := &v1alpha1.CRMTenant{ObjectMeta: metav1.ObjectMeta{Name: "acme", UID: "1"}}
	api := fake.NewClientBuilder().WithScheme(types).WithObjects(tenant).WithStatusSubresource(tenant).Build()
	writer := StatusWriter{Client: api, Recorder: events.NewFakeRecorder(10), own: newOwnWrites()}
	ready := func(value metav1.ConditionStatus) v1alpha1.CRMTenantStatus {
		return v1alpha1.CRMTenantStatus{Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: value, Reason: "Some"}}}
	}
	var seen v1alpha1.CRMTenant
	get := func() {
		seen = v1alpha1.CRMTenant{}
		require.NoError(t, api.Get(context.Background(), client.ObjectKeyFromObject(tenant), &seen))
	}
	get()
	require.NoError(t, writer.Tenant(t.Context(), &seen, ready(metav1.ConditionTrue)))
	get()
	cached := seen.DeepCopy()
	require.NoError(t, writer.Tenant(t.Context(), &seen, ready(metav1.ConditionFalse)))

	err := writer.Tenant(t.Context(), cached.DeepCopy(), ready(metav1.ConditionTrue))
	wait, waits := outcome.AsWaiting(err)
	require.True(t, waits, "%v", err)
	assert.Positive(t, wait.After)

	get()
	require.NoError(t, writer.Tenant(t.Context(), &seen, ready(metav1.ConditionTrue)))
	get()
	require.NoError(t, writer.Tenant(t.Context(), &seen, ready(metav1.ConditionTrue)))
	assert.Empty(t, writer.own.versions, "what the cache has shown is forgotten")
}
