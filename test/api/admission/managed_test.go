package admission

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/naming"
)

const isManaged = "in an emergency act as an account with the ClusterRole crmkeep-override"

func TestManagedObjectsAreChangedByCrmkeepAlone(t *testing.T) {
	annotate := func(o client.Object) { o.SetAnnotations(map[string]string{"note": "by hand"}) }
	var verdicts []verdict
	for _, object := range managedObjects() {
		if _, isClaim := object.(*corev1.PersistentVolumeClaim); !isClaim {
			verdicts = append(verdicts, verdict{
				name: fmt.Sprintf("a cluster admin cannot edit a %T", object), user: platform, refusal: isManaged,
				request: edit(object, annotate),
			})
		}
		forged := object.DeepCopyObject().(client.Object)
		forged.SetNamespace(elsewhere)
		for _, user := range []string{operator, overrider, collector} {
			verdicts = append(verdicts,
				verdict{name: fmt.Sprintf("%s edits a %T", user, object), user: user, request: edit(object, annotate)},
				verdict{name: fmt.Sprintf("%s deletes a %T", user, object), user: user, request: deletion(object)})
		}
		verdicts = append(verdicts,
			verdict{
				name: fmt.Sprintf("a cluster admin cannot delete a %T", object), user: platform, refusal: isManaged,
				request: deletion(object),
			},
			verdict{
				name: fmt.Sprintf("a cluster admin cannot forge a %T", object), user: platform, refusal: isManaged,
				request: creation(forged),
			},
			verdict{
				name: fmt.Sprintf("a cluster admin cannot take the labels off a %T", object), user: platform, refusal: isManaged,
				request: edit(object, func(o client.Object) { o.SetLabels(nil) }),
			})
	}
	check(t, verdicts)
}

func TestADeletedCollectionSparesManagedObjects(t *testing.T) {
	check(t, []verdict{{
		name: "a cluster admin cannot delete all ConfigMaps of a workload namespace", user: platform, refusal: isManaged,
		request: func(ctx context.Context, c client.Client) error {
			return c.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(workload))
		},
	}})
}

func TestNamespacesOfCrmkeepAreDeletedByCrmkeepAlone(t *testing.T) {
	of := func(name string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	check(t, []verdict{
		{name: "a cluster admin cannot delete a home namespace", user: platform, refusal: isManaged, request: deletion(of(home))},
		{name: "a cluster admin cannot delete a workload namespace", user: platform, refusal: isManaged, request: deletion(of(workload))},
		{
			name: "a cluster admin cannot loosen Pod Security of a workload namespace", user: platform, refusal: isManaged,
			request: edit(of(workload), func(n *corev1.Namespace) { n.Labels["pod-security.kubernetes.io/enforce"] = "privileged" }),
		},
		{name: "a cluster admin deletes another namespace", user: platform, request: deletion(of(elsewhere))},
		{name: "who may override deletes a workload namespace", user: overrider, request: deletion(of(workload))},
		{name: "crmkeep deletes a workload namespace", user: operator, request: deletion(of(workload))},
	})
}

func TestAVolumeClaimTakesAProvisionersNotesAndNothingElse(t *testing.T) {
	of := func() *corev1.PersistentVolumeClaim {
		return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: workload}}
	}
	check(t, []verdict{
		{
			name: "a provisioner cannot relabel a claim", user: platform, refusal: isManaged,
			request: edit(of(), func(p *corev1.PersistentVolumeClaim) { p.Labels[naming.LabelTenant] = "other" }),
		},
		{
			name: "a provisioner cannot set a claim's volume", user: platform, refusal: isManaged,
			request: edit(of(), func(p *corev1.PersistentVolumeClaim) { p.Spec.VolumeName = "pv-1" }),
		},
		{
			name: "a provisioner annotates a claim", user: platform,
			request: edit(of(), func(p *corev1.PersistentVolumeClaim) {
				p.Annotations = map[string]string{"volume.kubernetes.io/selected-node": "worker-1"}
			}),
		},
	})
}

func TestObjectsOfOthersAreLeftAlone(t *testing.T) {
	foreign := deployment(elsewhere, map[string]string{naming.LabelManagedBy: "Helm", naming.LabelTenant: "acme"})
	check(t, []verdict{
		{name: "a Deployment of another manager is created", user: platform, request: creation(foreign)},
		{name: "a pod of a workload namespace is deleted", user: platform, request: deletion(pod())},
	})
}
