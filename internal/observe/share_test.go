package observe_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
)

func webLabels(environment string) map[string]string {
	return map[string]string{"environment": environment, "component": "web"}
}

func web(environment, image string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Name: "web", Namespace: environment, Labels: webLabels(environment), Annotations: map[string]string{"hash": environment},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "crmkeep"}},
		},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: webLabels(environment)},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: webLabels(environment)},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image, Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("32Mi"), corev1.ResourceCPU: resource.MustParse("10m")},
				}}}},
			},
		},
	}
}

func slim[T any](t *testing.T, s *observe.Sharing, o T) T {
	t.Helper()
	out, err := s.Slim(o)
	require.NoError(t, err)
	typed, ok := out.(T)
	require.True(t, ok)
	return typed
}

func TestASlimObjectHasEverythingThatIsDeclared(t *testing.T) {
	s := observe.NewSharing()
	for _, environment := range []string{"one", "two", "one"} {
		want := web(environment, "tryton")
		want.ManagedFields = nil
		assert.Equal(t, want, slim(t, s, web(environment, "tryton")))
	}
	assert.Equal(t, "other", slim(t, s, web("one", "other")).Spec.Template.Spec.Containers[0].Image)
}

func TestEnvironmentsOfOneClassShareTheirPodSpecification(t *testing.T) {
	s := observe.NewSharing()
	first, second := slim(t, s, web("one", "tryton")), slim(t, s, web("two", "tryton"))
	assert.Same(t, unsafe.SliceData(first.Spec.Template.Spec.Containers), unsafe.SliceData(second.Spec.Template.Spec.Containers))
}

func TestTheLabelsOfAnEnvironmentAreHeldOnce(t *testing.T) {
	s := observe.NewSharing()
	deployment := slim(t, s, web("one", "tryton"))
	policy := slim(t, s, &networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{
		PodSelector: metav1.LabelSelector{MatchLabels: webLabels("one")},
		Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: webLabels("one")}}}}},
	}})
	sets := []map[string]string{deployment.Labels, deployment.Spec.Selector.MatchLabels, deployment.Spec.Template.Labels,
		policy.Spec.PodSelector.MatchLabels, policy.Spec.Ingress[0].From[0].PodSelector.MatchLabels}
	for _, set := range sets {
		set["seen"] = "yes" // Only so can it be told whether two maps are one.
	}
	for _, set := range sets {
		assert.Len(t, set, 3)
	}
	delete(sets[0], "seen")
	for _, set := range sets {
		assert.Len(t, set, 2)
	}
}

func TestOfAPodOnlyWhatSaysWhyItDoesNotRunIsKept(t *testing.T) {
	pod := slim(t, observe.NewSharing(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web-0", Labels: webLabels("one"), Annotations: map[string]string{"a": "b"}},
		Spec:       corev1.PodSpec{NodeName: "node"}, Status: corev1.PodStatus{Phase: corev1.PodPending},
	})
	assert.Equal(t, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-0", Labels: webLabels("one")}, Status: corev1.PodStatus{Phase: corev1.PodPending}}, pod)
}

func TestADeletionThatWasMissedPassesThrough(t *testing.T) {
	unknown := cache.DeletedFinalStateUnknown{Key: "one/web"}
	assert.Equal(t, unknown, slim(t, observe.NewSharing(), unknown))
}

func TestOfEvidenceWhatIsPackedIsNotHeld(t *testing.T) {
	held := func(labels map[string]string) *corev1.ConfigMap {
		return slim(t, observe.NewSharing(), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "one", Labels: labels}, Data: map[string]string{"a": "b"}, BinaryData: map[string][]byte{"c": {1}},
		})
	}
	review := held(map[string]string{naming.LabelEvidence: "review"})
	assert.Empty(t, review.BinaryData)
	assert.NotEmpty(t, review.Data)
	assert.NotEmpty(t, held(nil).BinaryData)
}
