package upgrade

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// managed are the kinds that crmkeep makes.
var managed = []schema.GroupVersionKind{
	corev1.SchemeGroupVersion.WithKind("Namespace"),
	corev1.SchemeGroupVersion.WithKind("ResourceQuota"), corev1.SchemeGroupVersion.WithKind("LimitRange"),
	corev1.SchemeGroupVersion.WithKind("ServiceAccount"), corev1.SchemeGroupVersion.WithKind("ConfigMap"),
	corev1.SchemeGroupVersion.WithKind("Service"), corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"),
	appsv1.SchemeGroupVersion.WithKind("Deployment"), appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
	batchv1.SchemeGroupVersion.WithKind("Job"), batchv1.SchemeGroupVersion.WithKind("CronJob"),
	networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"), networkingv1.SchemeGroupVersion.WithKind("Ingress"),
	policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), rbacv1.SchemeGroupVersion.WithKind("RoleBinding"),
}

// declared are the kinds that people write.
var declared = []schema.GroupVersionKind{
	v1alpha1.SchemeGroupVersion.WithKind("CRMTenant"), v1alpha1.SchemeGroupVersion.WithKind("CRMEnvironment"),
	v1alpha1.SchemeGroupVersion.WithKind("CRMRolePolicy"), v1alpha1.SchemeGroupVersion.WithKind("CRMBackupLocation"),
	v1alpha1.SchemeGroupVersion.WithKind("CRMBackupSchedule"), v1alpha1.SchemeGroupVersion.WithKind("CRMBackup"),
}

// record is what there is at one time, by names as a plan has them.
type record struct {
	managed, declared map[string]object
	// pods by component: "crm-acme--prod/web".
	pods map[string]map[types.UID]string
	// vault has the content of each path, that of a secret as a digest.
	vault map[string]string
}

// object as it was.
type object struct {
	uid        types.UID
	generation int64
	// content is what it declares, as YAML without what the server counts.
	content string
	whole   unstructured.Unstructured
}

func (w *world) record(t *testing.T) record {
	t.Helper()
	r := record{
		managed:  w.objectsOf(t, managed, client.MatchingLabels{naming.LabelManagedBy: naming.ManagedBy}),
		declared: w.objectsOf(t, declared),
		pods:     map[string]map[types.UID]string{}, vault: w.inVault(t),
	}
	var pods corev1.PodList
	require.NoError(t, w.List(t.Context(), &pods, client.HasLabels{naming.LabelComponent, naming.LabelEnvironment}))
	for _, pod := range pods.Items {
		of := pod.Namespace + "/" + pod.Labels[naming.LabelComponent]
		if r.pods[of] == nil {
			r.pods[of] = map[types.UID]string{}
		}
		r.pods[of][pod.UID] = pod.Name
	}
	return r
}

func (w *world) objectsOf(t *testing.T, kinds []schema.GroupVersionKind, options ...client.ListOption) map[string]object {
	t.Helper()
	all := map[string]object{}
	for _, kind := range kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		require.NoError(t, w.List(t.Context(), list, options...))
		for _, o := range list.Items {
			all[nameOf(o)] = object{uid: o.GetUID(), generation: o.GetGeneration(), content: contentOf(t, o), whole: o}
		}
	}
	return all
}

// contentOf is what an object declares.
func contentOf(t *testing.T, o unstructured.Unstructured) string {
	t.Helper()
	bare := o.DeepCopy()
	delete(bare.Object, "status")
	for _, counted := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
		unstructured.RemoveNestedField(bare.Object, "metadata", counted)
	}
	text, err := yaml.Marshal(bare.Object)
	require.NoError(t, err)
	return string(text)
}

// nameOf an object: "Service crm-acme--prod/web".
func nameOf(o unstructured.Unstructured) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", o.GetKind(), strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/")))
}

func keyOf(name string) client.ObjectKey {
	namespace, name, _ := strings.Cut(name, "/")
	return client.ObjectKey{Namespace: namespace, Name: name}
}
