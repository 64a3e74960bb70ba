package apply_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// emptyCache is a cache that no event has reached yet.
type emptyCache struct{ apply.Client }

func (emptyCache) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

// oldCache still has an object as it was.
type oldCache struct {
	apply.Client
	old *corev1.ConfigMap
}

func (c oldCache) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	c.old.DeepCopyInto(object.(*corev1.ConfigMap))
	return nil
}

func TestAnObjectThatTheCacheDoesNotShowYetIsNotWrittenTwice(t *testing.T) {
	w := newWorld(t)
	w.apply(t, declared(w.namespace)...)
	w.recorder.Reset()
	late := apply.New(emptyCache{w.client}, w.client, clientgoscheme.Scheme)

	result, err := late.Apply(t.Context(), declared(w.namespace))

	require.NoError(t, err)
	assert.Empty(t, result.Writes)
	assert.Empty(t, w.accepted())

	changed := configMap(w.namespace).WithData(map[string]string{"more": "yes"})
	result, err = late.Apply(t.Context(), []apply.Object{{Configuration: changed}})
	require.NoError(t, err)
	assert.Equal(t, []apply.Write{{Verb: apply.VerbUpdate, Ref: w.ref("", "ConfigMap", "agent-web")}}, result.Writes)
}

func TestAnUpdateNeverHitsAnObjectThatTookTheName(t *testing.T) {
	w := newWorld(t)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)},
		apply.Object{Configuration: configMap(w.namespace)})
	ours := &corev1.ConfigMap{}
	key := w.ref("", "ConfigMap", "agent-web").Key()
	require.NoError(t, w.client.Get(t.Context(), key, ours))
	require.NoError(t, w.admin.Delete(t.Context(), ours.DeepCopy()))
	changed := apply.Object{Configuration: configMap(w.namespace).WithData(map[string]string{"more": "yes"})}
	stale := apply.New(oldCache{w.client, ours}, w.client, clientgoscheme.Scheme)

	_, err := stale.Apply(t.Context(), []apply.Object{changed})
	require.Error(t, err, "a deleted object must not come back from a stale cache")

	theirs := &corev1.ConfigMap{Data: map[string]string{"theirs": "yes"}}
	theirs.SetName(key.Name)
	theirs.SetNamespace(key.Namespace)
	require.NoError(t, w.admin.Create(t.Context(), theirs))
	_, err = stale.Apply(t.Context(), []apply.Object{changed})
	require.Error(t, err)
	live := &corev1.ConfigMap{}
	require.NoError(t, w.admin.Get(t.Context(), key, live))
	assert.Equal(t, theirs.Data, live.Data)
	assert.Empty(t, live.Labels)
}

// theirs creates an object just before ours is.
type theirs struct {
	apply.Client
	create func()
}

func (c theirs) Apply(ctx context.Context, configuration runtime.ApplyConfiguration, options ...client.ApplyOption) error {
	c.create()
	return c.Client.Apply(ctx, configuration, options...)
}

func TestACreationNeverHitsAnObjectThatWasFasterByAMoment(t *testing.T) {
	w := newWorld(t)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)})
	foreign := &corev1.ConfigMap{Data: map[string]string{"theirs": "yes"}}
	foreign.SetName("agent-web")
	foreign.SetNamespace(w.namespace)
	racing := theirs{w.client, func() { require.NoError(t, w.admin.Create(t.Context(), foreign)) }}

	_, err := apply.New(racing, w.admin, clientgoscheme.Scheme).Apply(t.Context(), []apply.Object{{Configuration: configMap(w.namespace)}})

	waiting, ok := outcome.AsWaiting(err)
	require.True(t, ok, "got %v", err)
	assert.Equal(t, v1alpha1.ReasonNameClash, waiting.Reason)
	live := &corev1.ConfigMap{}
	require.NoError(t, w.admin.Get(t.Context(), client.ObjectKeyFromObject(foreign), live))
	assert.Equal(t, foreign.Data, live.Data)
	assert.Empty(t, live.Labels)
}

func TestAJobIsKeptAsItIsOnceItExists(t *testing.T) {
	w := newWorld(t)
	w.apply(t, declared(w.namespace)...)
	ref := w.ref("batch", "Job", "migrate-1")
	done := &batchv1.Job{}
	require.NoError(t, w.admin.Get(t.Context(), ref.Key(), done))
	other := job(w.namespace)
	other.Spec.Template.Spec.Containers[0].WithImage("crmkeep.local/web:2")
	w.recorder.Reset()

	result := w.apply(t, apply.Object{Configuration: other, CreateOnly: true})

	assert.Empty(t, result.Writes)
	assert.Empty(t, w.recorder.Requests())
	assert.Equal(t, done.UID, w.live(t, ref).GetUID())
}

func TestAnObjectOnItsWayOutIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)},
		apply.Object{Configuration: configMap(w.namespace).WithFinalizers("team.example/hold")})
	ref := w.ref("", "ConfigMap", "agent-web")
	require.NoError(t, w.admin.Delete(t.Context(), w.live(t, ref)))
	w.catchUpWith(t, w.live(t, ref))
	for name, applier := range map[string]*apply.Applier{
		"in the cache":     w.Applier,
		"not in the cache": apply.New(emptyCache{w.client}, w.client, clientgoscheme.Scheme),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := applier.Apply(t.Context(), []apply.Object{{Configuration: configMap(w.namespace)}})
			waiting, ok := outcome.AsWaiting(err)
			require.True(t, ok, "got %v", err)
			assert.Equal(t, v1alpha1.ReasonDeleting, waiting.Reason)
			assert.Contains(t, waiting.Message, "ConfigMap "+w.namespace+"/agent-web")
		})
	}
}

func TestADeclarationThatNamesNoOwnerOrIsGivenTwiceIsRefusedBeforeAnyRequest(t *testing.T) {
	applier := apply.New(nil, nil, clientgoscheme.Scheme)
	for name, test := range map[string]struct {
		objects []apply.Object
		want    string
	}{
		"no managed-by": {[]apply.Object{{Configuration: corev1ac.ConfigMap("a", "b")}}, naming.LabelManagedBy},
		"no tenant": {[]apply.Object{{Configuration: corev1ac.ConfigMap("a", "b").
			WithLabels(map[string]string{naming.LabelManagedBy: naming.ManagedBy})}}, naming.LabelTenant},
		"no name": {[]apply.Object{{Configuration: corev1ac.ConfigMap("", "b").WithLabels(ownerLabels)}}, "name"},
		"twice":   {[]apply.Object{{Configuration: service("b")}, {Configuration: service("b")}}, "Service b/web is declared twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := applier.Apply(t.Context(), test.objects)
			require.ErrorContains(t, err, test.want)
		})
	}
}
