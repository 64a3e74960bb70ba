package apply_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

func TestAChangeOfAnImmutableFieldNamesObjectAndFieldButNoValue(t *testing.T) {
	w := newWorld(t)
	w.apply(t, declared(w.namespace)...)
	grown := statefulSet(w.namespace)
	grown.Spec.VolumeClaimTemplates[0].WithSpec(claimSpec("9Gi"))
	other := roleBinding(w.namespace)
	other.RoleRef.WithName("edit")
	shrunk := claim(w.namespace).WithSpec(claimSpec("512Mi"))
	for name, test := range map[string]struct {
		object apply.Object
		want   []string
	}{
		"template of a StatefulSet's claims": {apply.Object{Configuration: grown}, []string{"StatefulSet " + w.namespace + "/database", "spec: updates to statefulset spec"}},
		"role of a RoleBinding":              {apply.Object{Configuration: other}, []string{"RoleBinding " + w.namespace + "/view", "roleRef: cannot change roleRef"}},
		"smaller claim": {apply.Object{Configuration: shrunk, Field: "spec.resources.volumes[files].size"}, []string{
			"spec.resources.volumes[files].size: the API server does not accept PersistentVolumeClaim " + w.namespace + "/data-files: ",
			"spec is immutable after creation except resources.requests", ". Set the size back, or ask the platform"}},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := w.Apply(t.Context(), []apply.Object{test.object})

			invalid, ok := outcome.AsInvalid(err)
			require.True(t, ok, "got %v", err)
			assert.Equal(t, v1alpha1.ReasonInvalid, invalid.Reason)
			for _, want := range test.want {
				assert.Contains(t, invalid.Message, want)
			}
			assert.NotContains(t, invalid.Message, "{")
			assert.NotContains(t, invalid.Message, `"edit"`)
			assert.Empty(t, result.Writes)
		})
	}
}

func TestAClaimGrowsWhenItsStorageClassAllowsIt(t *testing.T) {
	w := newWorld(t)
	w.admitGrowth(t)
	small := claim(w.namespace)
	small.Spec.WithStorageClassName("growing")
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)}, apply.Object{Configuration: small})
	ref := w.bind(t)

	grown := claim(w.namespace).WithSpec(claimSpec("2Gi"))
	grown.Spec.WithStorageClassName("growing")
	result := w.apply(t, apply.Object{Configuration: grown})

	assert.Equal(t, []apply.Write{{Verb: apply.VerbUpdate, Ref: ref}}, result.Writes)
	size, _, err := unstructured.NestedString(w.live(t, ref).Object, "spec", "resources", "requests", "storage")
	require.NoError(t, err)
	assert.Equal(t, "2Gi", size)
}

func TestAClaimThatItsStorageClassDoesNotLetGrowIsNamedWithWhatHelps(t *testing.T) {
	w := newWorld(t)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)}, apply.Object{Configuration: claim(w.namespace)})
	ref := w.bind(t)

	grown := apply.Object{Configuration: claim(w.namespace).WithSpec(claimSpec("2Gi")), Field: "spec.resources.volumes[files].size"}
	result, err := w.Apply(t.Context(), []apply.Object{grown})

	waiting, ok := outcome.AsWaiting(err)
	require.True(t, ok, "nobody edits what the manager watches when a StorageClass is changed; got %v", err)
	assert.Equal(t, v1alpha1.ReasonRetrying, waiting.Reason)
	assert.NotZero(t, waiting.After)
	assert.Equal(t, "spec.resources.volumes[files].size: the API server does not accept "+ref.String()+": "+
		"the storageclass that provisions the pvc must support resize. "+
		"Set the size back, or ask the platform for a StorageClass that allows volumes to grow; none ever shrinks", waiting.Message)
	assert.Empty(t, result.Writes)
}

// bind gives the claim a volume, as Kubernetes does when a pod uses it.
func (w *world) bind(t *testing.T) apply.Ref {
	t.Helper()
	ref := w.ref("", "PersistentVolumeClaim", "data-files")
	bound := &corev1.PersistentVolumeClaim{}
	require.NoError(t, w.admin.Get(t.Context(), ref.Key(), bound))
	bound.Spec.VolumeName = "volume"
	require.NoError(t, w.admin.Update(t.Context(), bound))
	bound.Status.Phase = corev1.ClaimBound
	require.NoError(t, w.admin.Status().Update(t.Context(), bound))
	w.catchUpWith(t, w.live(t, ref))
	return ref
}

func TestNoWorkloadIsWrittenWhileANetworkPolicyIsMissing(t *testing.T) {
	w := newWorld(t)
	broken := networkPolicy(w.namespace)
	broken.Spec.PolicyTypes[1] = "Sideways"

	result, err := w.Apply(t.Context(), []apply.Object{
		{Configuration: deployment(w.namespace)},
		{Configuration: job(w.namespace), CreateOnly: true},
		{Configuration: broken},
		{Configuration: configMap(w.namespace)},
		{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)},
	})

	invalid, ok := outcome.AsInvalid(err)
	require.True(t, ok, "got %v", err)
	assert.Contains(t, invalid.Message, "NetworkPolicy")
	assert.Contains(t, invalid.Message, "spec.policyTypes[1]")
	assert.Equal(t, []apply.Write{
		{Verb: apply.VerbCreate, Ref: apply.Ref{Kind: "Namespace", Name: w.namespace}},
		{Verb: apply.VerbCreate, Ref: w.ref("", "ConfigMap", "agent-web")},
	}, result.Writes)
}

func TestWhatFailedIsReportedForEveryObject(t *testing.T) {
	w := newWorld(t)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)})
	w.recorder.CutAfter(0)

	_, err := w.Apply(t.Context(), []apply.Object{{Configuration: service(w.namespace)}, {Configuration: configMap(w.namespace)}})

	require.ErrorContains(t, err, "applying Service "+w.namespace+"/web")
	require.ErrorContains(t, err, "applying ConfigMap "+w.namespace+"/agent-web")
	_, waiting := outcome.AsWaiting(err)
	_, invalid := outcome.AsInvalid(err)
	assert.False(t, waiting || invalid, "a lost connection is transient")
}

func TestWhatTheServerKeepsOtherwiseIsReportedAndNotWrittenAgain(t *testing.T) {
	w := newWorld(t)
	policy := networkPolicy(w.namespace)
	policy.Spec.Ingress[0].Ports[0] = *networkingv1ac.NetworkPolicyPort().WithPort(policyPort)
	objects := []apply.Object{
		{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)},
		{Configuration: policy},
	}
	ref := w.ref("networking.k8s.io", "NetworkPolicy", "web")

	assert.Equal(t, []apply.Ref{ref}, w.apply(t, objects...).Overruled)
	w.recorder.Reset()
	assert.Empty(t, w.apply(t, objects...).Writes, "the protocol that the server fills in")
	assert.Empty(t, w.recorder.Requests())

	w.edit(t, ref, addIngressRule(t))
	assert.Equal(t, []apply.Write{{Verb: apply.VerbUpdate, Ref: ref}}, w.apply(t, objects...).Writes, "an edit by hand")
	assert.Empty(t, w.apply(t, objects...).Writes)
}
