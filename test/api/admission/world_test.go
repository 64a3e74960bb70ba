package admission

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

var (
	home     = naming.HomeNamespace("acme")
	workload = naming.WorkloadNamespace("acme", "prod")
	// otherHome is another tenant's.
	otherHome = naming.HomeNamespace("globex")
)

// elsewhere is a namespace that crmkeep does not know.
const elsewhere = "elsewhere"

func kindScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	require.NoError(t, scheme.AddToScheme(s))
	require.NoError(t, v1alpha1.AddToScheme(s))
	return s
}

var (
	once     sync.Once
	prepared bool
)

// prepare makes what all cases meet: the policies and roles as shipped, the users, and tenant acme with an environment.
func prepare(t *testing.T) {
	t.Helper()
	server.Server(t)
	once.Do(func() {
		admin, err := client.New(server.Server(t).Config(), client.Options{Scheme: kindScheme(t)})
		require.NoError(t, err)
		install(t, admin, "config/rbac")
		for name, labels := range map[string]map[string]string{
			home:      managed(map[string]string{naming.LabelNamespace: naming.NamespaceHome}),
			workload:  managed(map[string]string{naming.LabelNamespace: naming.NamespaceWorkload}),
			otherHome: {naming.LabelManagedBy: naming.ManagedBy, naming.LabelTenant: "globex", naming.LabelNamespace: naming.NamespaceHome},
			elsewhere: nil,
		} {
			create(t, admin, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
		}
		grantRights(t, admin)
		for _, object := range managedObjects() {
			create(t, admin, object)
		}
		create(t, admin, pod(), environment("plain"), approved(environment("approved"), approver), tornDown(environment("ending")), opened(environment("opened"), opener))
		create(t, admin, rolePolicy(home), evidenceAt(home), foreign(environment("theirs")), rolePolicy(otherHome), evidenceAt(otherHome), evidenceAt(elsewhere))
		for _, kind := range []string{"crmclass", "crmtenant", "crmbackuplocation"} {
			install(t, admin, "test/api/testdata/"+kind)
		}
		create(t, admin, backup("by-hand"), scheduled(backup("nightly-1")), copyOf("copied", v1alpha1.PurposeSandbox), copyOf("drill", v1alpha1.PurposeDrill))
		install(t, admin, "config/admission")
		prepared = true
	})
	require.True(t, prepared, "an earlier test says why nothing could be prepared")
}

// install creates the objects in the YAML files of a folder of the repository.
func install(t *testing.T, c client.Client, folder string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", folder, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		for document := range bytes.SplitSeq(raw, []byte("\n---\n")) {
			object := &unstructured.Unstructured{}
			require.NoError(t, yaml.UnmarshalStrict(document, &object.Object), path)
			create(t, c, object)
		}
	}
}

func create(t *testing.T, c client.Client, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		require.NoError(t, c.Create(t.Context(), object, client.FieldValidation(metav1.FieldValidationStrict)))
	}
}

// managed adds the labels of what crmkeep made for the tenant acme.
func managed(labels map[string]string) map[string]string {
	labels[naming.LabelManagedBy] = naming.ManagedBy
	labels[naming.LabelTenant] = "acme"
	return labels
}

func environment(name string) *v1alpha1.CRMEnvironment {
	return &v1alpha1.CRMEnvironment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: home},
		Spec: v1alpha1.CRMEnvironmentSpec{
			ClassRef: v1alpha1.ClassReference{Name: "demo"},
			Purpose:  v1alpha1.PurposeTest,
		},
	}
}

func approved(e *v1alpha1.CRMEnvironment, by string) *v1alpha1.CRMEnvironment {
	e.Spec.Approval = &v1alpha1.Approval{By: by, Request: "0123456789"}
	return e
}

func tornDown(e *v1alpha1.CRMEnvironment) *v1alpha1.CRMEnvironment {
	e.Finalizers = []string{naming.FinalizerEnvironment, "example.com/other"}
	return e
}

// foreign is of another tenant.
func foreign(e *v1alpha1.CRMEnvironment) *v1alpha1.CRMEnvironment {
	e.Namespace = otherHome
	return e
}

func rolePolicy(namespace string) *v1alpha1.CRMRolePolicy {
	return &v1alpha1.CRMRolePolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "sales", Namespace: namespace},
		Spec:       v1alpha1.CRMRolePolicySpec{Environments: []string{"prod"}, Roles: []v1alpha1.Role{{Name: "rep"}}},
	}
}

// evidenceAt is a ConfigMap as crmkeep leaves evidence in.
func evidenceAt(namespace string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "prod-review", Namespace: namespace, Labels: managed(map[string]string{})}}
}

func pod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: workload, Labels: managed(map[string]string{})},
		Spec:       podSpec(),
	}
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "crmkeep.local/demo:1.0"}}}
}

func deployment(namespace string, labels map[string]string) *appsv1.Deployment {
	selector := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: namespace, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: selector}, Spec: podSpec()},
		},
	}
}
