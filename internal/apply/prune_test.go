package apply_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

var prunable = []schema.GroupVersionKind{
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "Service"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "batch", Version: "v1", Kind: "Job"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}, // not in this cluster
}

func TestPruneDeletesWhatIsNoLongerDeclaredAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.apply(t, declared(w.namespace)...)
	theirs := &corev1.ConfigMap{}
	theirs.SetName("theirs")
	theirs.SetNamespace(w.namespace)
	theirs.SetLabels(map[string]string{naming.LabelManagedBy: naming.ManagedBy, naming.LabelTenant: tenant})
	require.NoError(t, w.admin.Create(t.Context(), theirs))
	w.catchUpWith(t, w.live(t, w.ref("", "ConfigMap", "theirs")))
	keep := refs(t, apply.Object{Configuration: deployment(w.namespace)}, apply.Object{Configuration: networkPolicy(w.namespace)})
	w.recorder.Reset()

	writes, err := w.Prune(t.Context(), acmeProd, w.namespace, prunable, keep)

	require.NoError(t, err)
	assert.ElementsMatch(t, []apply.Write{
		{Verb: apply.VerbDelete, Ref: w.ref("", "ConfigMap", "agent-web")},
		{Verb: apply.VerbDelete, Ref: w.ref("", "Service", "web")},
		{Verb: apply.VerbDelete, Ref: w.ref("batch", "Job", "migrate-1")},
	}, writes)
	assert.Len(t, w.recorder.Writes(), len(writes))
	w.live(t, w.ref("", "ConfigMap", "theirs"))
	w.live(t, w.ref("apps", "Deployment", "web"))

	w.waitUntilUncached(t, w.ref("", "ConfigMap", "agent-web"))
	w.waitUntilUncached(t, w.ref("", "Service", "web"))
	w.waitUntilUncached(t, w.ref("batch", "Job", "migrate-1"))
	w.recorder.Reset()
	writes, err = w.Prune(t.Context(), acmeProd, w.namespace, prunable, keep)
	require.NoError(t, err)
	assert.Empty(t, writes)
	assert.Empty(t, w.recorder.Writes())
}

func TestWhatExistsForARunIsPrunedWithItsEnvironmentOnly(t *testing.T) {
	w := newWorld(t)
	ofRun := map[string]string{naming.LabelRun: "backup-1"}
	running := job(w.namespace).WithLabels(ofRun)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)},
		apply.Object{Configuration: running, CreateOnly: true},
		apply.Object{Configuration: configMap(w.namespace).WithLabels(ofRun)},
		apply.Object{Configuration: networkPolicy(w.namespace).WithLabels(ofRun)})

	writes, err := w.Prune(t.Context(), acmeProd, w.namespace, prunable, nil)
	require.NoError(t, err)
	assert.Empty(t, writes)

	writes, err = w.PruneWithRuns(t.Context(), acmeProd, w.namespace, prunable, nil)
	require.NoError(t, err)
	assert.ElementsMatch(t, []apply.Write{
		{Verb: apply.VerbDelete, Ref: w.ref("batch", "Job", "migrate-1")},
		{Verb: apply.VerbDelete, Ref: w.ref("", "ConfigMap", "agent-web")},
		{Verb: apply.VerbDelete, Ref: w.ref("networking.k8s.io", "NetworkPolicy", *networkPolicy(w.namespace).GetName())},
	}, writes)
}

func TestPruneRefusesWhatLeadsToDataAndWhatHasNoBounds(t *testing.T) {
	w := newWorld(t)
	for _, kind := range []string{"Namespace", "PersistentVolume", "PersistentVolumeClaim"} {
		_, err := w.Prune(t.Context(), acmeProd, w.namespace, []schema.GroupVersionKind{{Version: "v1", Kind: kind}}, nil)
		require.ErrorContains(t, err, kind+" is never pruned")
	}
	_, err := w.Prune(t.Context(), apply.Owner{}, w.namespace, prunable, sets.New[apply.Ref]())
	require.ErrorContains(t, err, naming.LabelTenant)
	_, err = w.Prune(t.Context(), acmeProd, "", prunable, sets.New[apply.Ref]())
	require.ErrorContains(t, err, "namespace")
}

func TestPruneLeavesAnObjectThatChangedAfterItWasSeen(t *testing.T) {
	w := newWorld(t)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)},
		apply.Object{Configuration: configMap(w.namespace)})
	seen := &corev1.ConfigMapList{}
	require.NoError(t, w.client.List(t.Context(), seen, client.InNamespace(w.namespace)))
	ref := w.ref("", "ConfigMap", "agent-web")
	w.edit(t, ref, func(object *unstructured.Unstructured) { object.SetAnnotations(map[string]string{"edited": "yes"}) })
	stale := w.staleList(seen)

	writes, err := stale.Prune(t.Context(), acmeProd, w.namespace, prunable[:1], nil)

	require.True(t, apierrors.IsConflict(err), "got %v", err)
	assert.Empty(t, writes)
	w.live(t, ref)
}

func TestDeleteTakesOneObjectOfTheOwnerAndTellsWhenItIsGone(t *testing.T) {
	w := newWorld(t)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)},
		apply.Object{Configuration: claim(w.namespace)})
	ref := w.ref("", "PersistentVolumeClaim", "data-files")

	gone, err := w.Delete(t.Context(), apply.Owner{Tenant: "globex", Environment: environment}, gvk(ref), ref.Key())
	waiting, ok := outcome.AsWaiting(err)
	require.True(t, ok, "got %v", err)
	assert.Equal(t, v1alpha1.ReasonNameClash, waiting.Reason)
	assert.False(t, gone)
	held := w.live(t, ref)
	assert.Nil(t, held.GetDeletionTimestamp())

	gone, err = w.Delete(t.Context(), acmeProd, gvk(ref), ref.Key())
	require.NoError(t, err)
	assert.False(t, gone, "the protection of claims holds it")
	w.recorder.Reset()
	gone, err = w.Delete(t.Context(), acmeProd, gvk(ref), ref.Key())
	require.NoError(t, err)
	assert.False(t, gone)
	assert.Empty(t, w.recorder.Writes(), "it is not deleted twice")

	released := w.live(t, ref)
	released.SetFinalizers(nil)
	require.NoError(t, w.admin.Update(t.Context(), released))
	gone, err = w.Delete(t.Context(), acmeProd, gvk(ref), ref.Key())
	require.NoError(t, err)
	assert.True(t, gone)
}
