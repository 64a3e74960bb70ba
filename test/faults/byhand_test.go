package faults

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// everyObjectIsPutBack deletes each object of an environment, and takes the labels of each away. What holds data is left alone.
func everyObjectIsPutBack(t *testing.T, w *world) {
	const tenant = "meddled"
	m := w.start(t)
	w.tenant(t, tenant)
	w.create(t, build.Environment(tenant, "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.meddled.example" }))
	w.comesTo(t, tenant, "prod", "True Succeeded")
	w.settle(t, m)
	before := w.snapshot(t, tenant)
	putBack := func() error {
		if diff := cmp.Diff(before, w.snapshot(t, tenant)); diff != "" {
			return fmt.Errorf("(-want +got)\n%s", diff)
		}
		return nil
	}
	touched := 0
	for _, o := range w.made(t, tenant) {
		name := o.GetKind() + " " + o.GetName()
		if o.GetKind() != "PersistentVolumeClaim" {
			require.NoError(t, w.Delete(t.Context(), o.DeepCopy(), client.PropagationPolicy(metav1.DeletePropagationBackground)))
			w.until(t, name+" is made again", func() error { return w.isOther(t, o) })
			w.until(t, name+" is as it was, after it was deleted", putBack)
		}
		w.until(t, name+" loses its labels", func() error {
			live := o.DeepCopy()
			if err := w.Get(t.Context(), client.ObjectKeyFromObject(o), live); err != nil {
				return err
			}
			live.SetLabels(nil)
			return w.Update(t.Context(), live)
		})
		w.until(t, name+" is as it was, after it was edited", putBack)
		touched++
	}
	t.Logf("%d objects were deleted and edited", touched)
	assert.Greater(t, touched, 25)
}

// foreignObjectsStayUntouched replaces each object, while no manager runs, by one of the same name that is not crmkeep's.
func foreignObjectsStayUntouched(t *testing.T, w *world) {
	const tenant = "squatted"
	m := w.start(t)
	w.tenant(t, tenant)
	w.create(t, build.Environment(tenant, "prod"))
	w.comesTo(t, tenant, "prod", "True Succeeded")
	w.settle(t, m)
	var replaceable []*unstructured.Unstructured
	for _, o := range w.made(t, tenant) {
		// The home's are the tenant's; a claim cannot be deleted while its pod runs.
		if o.GetNamespace() == naming.WorkloadNamespace(tenant, "prod") && o.GetKind() != "PersistentVolumeClaim" {
			replaceable = append(replaceable, o)
		}
	}
	points := sample(len(replaceable), 4)
	for _, point := range points {
		o := replaceable[point]
		name := o.GetKind() + " " + o.GetName()
		m.Kill()
		foreign := w.replace(t, o)
		m = w.start(t)
		env := w.comesTo(t, tenant, "prod", "Reconciling NameClash")
		assert.Contains(t, message(env, v1alpha1.ConditionReady), o.GetName())
		require.NoError(t, w.Get(t.Context(), client.ObjectKeyFromObject(foreign), foreign))
		assert.Empty(t, foreign.GetLabels(), name)
		assert.NotEqual(t, o.GetUID(), foreign.GetUID(), name)
		require.NoError(t, w.Delete(t.Context(), foreign))
		w.edit(t, tenant, "prod", touch)
		w.comesTo(t, tenant, "prod", "True Succeeded")
	}
	t.Logf("%d of %d objects were replaced by foreign ones", len(points), len(replaceable))
}

// replace puts an object of the same name and content in the place of one, without crmkeep's labels.
func (w *world) replace(t *testing.T, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	require.NoError(t, w.Delete(t.Context(), o.DeepCopy(), client.PropagationPolicy(metav1.DeletePropagationForeground)))
	w.until(t, o.GetName()+" is gone", func() error { return w.isGone(t, o.DeepCopy()) })
	foreign := &unstructured.Unstructured{Object: normalised(o.DeepCopy().Object)}
	foreign.SetLabels(nil)
	foreign.SetAnnotations(nil)
	require.NoError(t, w.Create(t.Context(), foreign))
	return foreign
}

// aLostFinalizerComesBack: without one, a deletion would leave everything behind.
func aLostFinalizerComesBack(t *testing.T, w *world) {
	const tenant = "unbound"
	m := w.start(t)
	w.tenant(t, tenant)
	w.create(t, build.Environment(tenant, "prod"))
	env := w.comesTo(t, tenant, "prod", "True Succeeded")
	w.settle(t, m)
	w.edit(t, tenant, "prod", func(e *v1alpha1.CRMEnvironment) { e.Finalizers = nil })
	w.until(t, "the finalizer is there again", func() error {
		if err := w.Get(t.Context(), client.ObjectKeyFromObject(env), env); err != nil {
			return err
		}
		if len(env.Finalizers) == 0 {
			return fmt.Errorf("it is not")
		}
		return nil
	})
	require.NoError(t, w.Delete(t.Context(), env))
	w.gone(t, env)
	w.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: naming.WorkloadNamespace(tenant, "prod")}})
}

// aNamespaceThatIsDeletedFromOutsideIsNoSilentLoss: with it went the data.
func aNamespaceThatIsDeletedFromOutsideIsNoSilentLoss(t *testing.T, w *world) {
	const tenant = "razed"
	m := w.start(t)
	w.tenant(t, tenant)
	w.create(t, build.Environment(tenant, "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction }))
	w.comesTo(t, tenant, "prod", "True Succeeded")
	w.settle(t, m)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: naming.WorkloadNamespace(tenant, "prod")}}
	dataKey := w.dataKey(t, tenant, "prod")
	require.NoError(t, w.Delete(t.Context(), namespace))
	env := w.comesTo(t, tenant, "prod", "Reconciling DataLost")
	assert.Contains(t, message(env, v1alpha1.ConditionDatabaseReady), "data-database")
	assert.Empty(t, w.pods(t, tenant, "prod"), "an empty database is not passed off as the one that was lost")
	assert.Equal(t, dataKey, w.dataKey(t, tenant, "prod"), "the backups' key is kept")
}

// made are the objects that crmkeep made in a tenant's namespaces.
func (w *world) made(t *testing.T, tenant string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, namespace := range w.namespaces(t, tenant) {
		for _, kind := range kinds {
			for _, o := range w.list(t, kind, namespace.GetName()) {
				if o.GetLabels()[naming.LabelManagedBy] == naming.ManagedBy && len(o.GetOwnerReferences()) == 0 {
					all = append(all, o.DeepCopy())
				}
			}
		}
	}
	return all
}

// isOther tells whether there is an object of the name that is not the one that was.
func (w *world) isOther(t *testing.T, was *unstructured.Unstructured) error {
	t.Helper()
	live := was.DeepCopy()
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(was), live); err != nil {
		return err
	}
	if live.GetUID() == was.GetUID() {
		return fmt.Errorf("it is still the one that was deleted")
	}
	return nil
}
