package apply_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

var (
	api        *apitest.Shared
	namespaces atomic.Int32
)

func TestMain(m *testing.M) {
	os.Exit(apitest.Main(m, func(shared *apitest.Shared) { api = shared }))
}

// world is an Applier as the manager builds it, on a cache like the manager's, with its requests recorded.
type world struct {
	*apply.Applier
	// namespace is this test's own.
	namespace string
	recorder  *apitest.Recorder
	client    client.Client
	// admin acts as somebody else, unrecorded and without a cache.
	admin client.Client
	// scheme is what the Applier knows.
	scheme *runtime.Scheme
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOf(t, clientgoscheme.Scheme)
}

func newWorldOf(t testing.TB, scheme *runtime.Scheme) *world {
	t.Helper()
	server := api.Server(t)
	config, recorder := apitest.Record(server.Config())
	admin, err := client.New(server.Config(), client.Options{FieldOwner: "kubectl-edit"})
	require.NoError(t, err)
	cached, err := cache.New(server.Config(), cache.Options{
		DefaultLabelSelector: labels.SelectorFromSet(labels.Set{naming.LabelManagedBy: naming.ManagedBy}),
		DefaultTransform:     cache.TransformStripManagedFields(),
	})
	require.NoError(t, err)
	go func() { _ = cached.Start(t.Context()) }()
	require.True(t, cached.WaitForCacheSync(t.Context()))
	through, err := client.New(config, client.Options{Cache: &client.CacheOptions{Reader: cached, Unstructured: true}})
	require.NoError(t, err)
	direct, err := client.New(config, client.Options{})
	require.NoError(t, err)
	return &world{
		Applier:   apply.New(through, direct, scheme),
		namespace: fmt.Sprintf("crm-acme--t%d", namespaces.Add(1)),
		recorder:  recorder,
		client:    through,
		admin:     admin,
		scheme:    scheme,
	}
}

// apply applies and waits until the cache has what was written.
func (w *world) apply(t testing.TB, objects ...apply.Object) apply.Result {
	t.Helper()
	result, err := w.Apply(t.Context(), objects)
	require.NoError(t, err)
	w.catchUp(t, result.Writes)
	return result
}

func (w *world) catchUp(t testing.TB, writes []apply.Write) {
	t.Helper()
	for _, write := range writes {
		w.catchUpWith(t, w.live(t, write.Ref))
	}
}

// catchUpWith waits until the cache has this version of an object.
func (w *world) catchUpWith(t testing.TB, live *unstructured.Unstructured) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 2*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		cached, err := w.empty(live.GroupVersionKind())
		if err != nil {
			return false, err
		}
		err = w.client.Get(ctx, client.ObjectKeyFromObject(live), cached)
		return err == nil && cached.GetResourceVersion() == live.GetResourceVersion(), client.IgnoreNotFound(err)
	})
	require.NoError(t, err, "the cache never had %s %s", live.GetKind(), live.GetName())
}

// empty is what the Applier reads a kind into.
func (w *world) empty(kind schema.GroupVersionKind) (client.Object, error) {
	if !w.scheme.Recognizes(kind) {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		return object, nil
	}
	object, err := w.scheme.New(kind)
	if err != nil {
		return nil, err
	}
	return object.(client.Object), nil
}

var versions = map[string]string{"apps": "v1", "batch": "v1", "networking.k8s.io": "v1", "policy": "v1",
	"rbac.authorization.k8s.io": "v1", "": "v1"}

// live reads the object from the API server.
func (w *world) live(t testing.TB, ref apply.Ref) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(ref.GroupKind().WithVersion(versions[ref.Group]))
	require.NoError(t, w.admin.Get(t.Context(), ref.Key(), object))
	return object
}

// edit changes the live object as kubectl edit does, and waits until the cache has it.
func (w *world) edit(t *testing.T, ref apply.Ref, change func(object *unstructured.Unstructured)) *unstructured.Unstructured {
	t.Helper()
	object := w.live(t, ref)
	change(object)
	require.NoError(t, w.admin.Update(t.Context(), object))
	if object.GetLabels()[naming.LabelManagedBy] == naming.ManagedBy {
		w.catchUpWith(t, object)
	}
	return object
}

// objectRequests leaves out what the client asks to find its way around the API.
func (w *world) objectRequests() []apitest.Request {
	return slices.DeleteFunc(w.recorder.Requests(), func(r apitest.Request) bool { return !strings.Contains(r.Path, "/namespaces/") })
}

// accepted are the writes that changed something; a creation of what exists is refused.
func (w *world) accepted() []apitest.Request {
	return slices.DeleteFunc(w.recorder.Writes(), func(r apitest.Request) bool { return r.Status >= http.StatusBadRequest })
}

func (w *world) ref(group, kind, name string) apply.Ref {
	return apply.Ref{Group: group, Kind: kind, Namespace: w.namespace, Name: name}
}

func refs(t testing.TB, objects ...apply.Object) sets.Set[apply.Ref] {
	t.Helper()
	refs := sets.New[apply.Ref]()
	for _, object := range objects {
		ref, err := apply.RefOf(object)
		require.NoError(t, err)
		refs.Insert(ref)
	}
	return refs
}

func gvk(ref apply.Ref) schema.GroupVersionKind {
	return ref.GroupKind().WithVersion(versions[ref.Group])
}

// waitUntilUncached waits until the cache has lost an object that no longer carries the label it selects by.
func (w *world) waitUntilUncached(t *testing.T, ref apply.Ref) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 2*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		object, err := w.empty(gvk(ref))
		if err != nil {
			return false, err
		}
		err = w.client.Get(ctx, ref.Key(), object)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	require.NoError(t, err, "the cache never lost %s", ref)
}

// admitGrowth makes the storage class "growing", once for all tests.
func (w *world) admitGrowth(t *testing.T) {
	t.Helper()
	class := &storagev1.StorageClass{Provisioner: "crmkeep.local/none", AllowVolumeExpansion: ptr.To(true)}
	class.SetName("growing")
	require.NoError(t, client.IgnoreAlreadyExists(w.admin.Create(t.Context(), class)))
}

// staleList is an Applier whose cache still lists ConfigMaps as they were.
func (w *world) staleList(seen *corev1.ConfigMapList) *apply.Applier {
	return apply.New(oldList{w.client, seen}, w.client, clientgoscheme.Scheme)
}

type oldList struct {
	apply.Client
	seen *corev1.ConfigMapList
}

func (c oldList) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	c.seen.DeepCopyInto(list.(*corev1.ConfigMapList))
	return nil
}
