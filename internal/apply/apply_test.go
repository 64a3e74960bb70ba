package apply_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

func TestEachObjectIsWrittenOnceAndASecondPassMakesNoRequest(t *testing.T) {
	w := newWorld(t)
	objects := declared(w.namespace)

	first := w.apply(t, objects...)
	assert.Equal(t, len(objects), first.Count(apply.VerbCreate))
	assert.Len(t, w.recorder.Writes(), len(objects))
	assert.Len(t, w.objectRequests(), len(objects), "nothing is asked for before it is created")
	assert.Empty(t, first.Overruled)

	w.recorder.Reset()
	second := w.apply(t, declared(w.namespace)...)
	assert.Equal(t, len(objects), second.Unchanged)
	assert.Empty(t, second.Writes)
	assert.Empty(t, w.recorder.Requests())
}

func TestANewProcessThatFindsEverythingInPlaceMakesNoRequest(t *testing.T) {
	before := newWorld(t)
	before.apply(t, declared(before.namespace)...)

	after := newWorld(t)
	for ref := range refs(t, declared(before.namespace)...) {
		after.catchUpWith(t, before.live(t, ref))
	}
	after.recorder.Reset()
	result := after.apply(t, declared(before.namespace)...)
	assert.Equal(t, len(declared(before.namespace)), result.Unchanged)
	assert.Empty(t, after.recorder.Requests())
}

func TestAnEditByHandIsPutBackByOneWrite(t *testing.T) {
	w := newWorld(t)
	w.apply(t, declared(w.namespace)...)
	set := func(value any, fields ...string) func(*unstructured.Unstructured) {
		return func(object *unstructured.Unstructured) {
			require.NoError(t, unstructured.SetNestedField(object.Object, value, fields...))
		}
	}
	drop := func(fields ...string) func(*unstructured.Unstructured) {
		return func(object *unstructured.Unstructured) { unstructured.RemoveNestedField(object.Object, fields...) }
	}
	for name, test := range map[string]struct {
		ref    apply.Ref
		change func(*unstructured.Unstructured)
	}{
		"replicas of a Deployment":     {w.ref("apps", "Deployment", "web"), set(int64(5), "spec", "replicas")},
		"image of a container":         {w.ref("apps", "Deployment", "web"), editContainer(t, "image", "crmkeep.local/other:1")},
		"declared false of a pod":      {w.ref("apps", "Deployment", "web"), drop("spec", "template", "spec", "automountServiceAccountToken")},
		"zero of a pod's type":         {w.ref("apps", "Deployment", "web"), set(true, "spec", "template", "spec", "hostNetwork")},
		"argument list of a container": {w.ref("apps", "Deployment", "web"), editContainer(t, "args", []any{"--debug"})},
		"limit of a container": {w.ref("apps", "StatefulSet", "database"), editContainer(t, "resources", map[string]any{
			"limits": map[string]any{"cpu": "2"}, "requests": map[string]any{"cpu": "100m", "memory": "512Mi"}})},
		"schedule of a CronJob": {w.ref("batch", "CronJob", "cleanup"), set("0 4 * * *", "spec", "schedule")},
		"rule of a NetworkPolicy opened": {w.ref("networking.k8s.io", "NetworkPolicy", "web"),
			set([]any{map[string]any{}}, "spec", "ingress")},
		"rule of a NetworkPolicy added": {w.ref("networking.k8s.io", "NetworkPolicy", "web"), addIngressRule(t)},
		"port of a Service":             {w.ref("", "Service", "web"), set("other", "spec", "selector", naming.LabelComponent)},
		"token of a ServiceAccount":     {w.ref("", "ServiceAccount", "web"), drop("automountServiceAccountToken")},
		"data of a ConfigMap":           {w.ref("", "ConfigMap", "agent-web"), set("{}", "data", "agent.json")},
		"binary data of a ConfigMap":    {w.ref("", "ConfigMap", "agent-web"), set("AAAA", "binaryData", "ca.der")},
		"subjects of a RoleBinding":     {w.ref("rbac.authorization.k8s.io", "RoleBinding", "view"), drop("subjects")},
		"hard limit of a ResourceQuota": {w.ref("", "ResourceQuota", "environment"), set("400", "spec", "hard", "pods")},
		"limits of a LimitRange":        {w.ref("", "LimitRange", "environment"), drop("spec", "limits")},
		"minimum of a disruption budget": {w.ref("policy", "PodDisruptionBudget", "web"),
			set(int64(0), "spec", "minAvailable")},
		"label of a claim":        {w.ref("", "PersistentVolumeClaim", "data-files"), drop("metadata", "annotations", naming.AnnotationHash)},
		"level of Pod Security":   {apply.Ref{Kind: "Namespace", Name: w.namespace}, set("privileged", "metadata", "labels", "pod-security.kubernetes.io/enforce")},
		"hash of the declaration": {w.ref("", "ServiceAccount", "web"), set("0", "metadata", "annotations", naming.AnnotationHash)},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.live(t, test.ref)
			w.edit(t, test.ref, test.change)
			w.recorder.Reset()

			result := w.apply(t, declared(w.namespace)...)

			assert.Equal(t, []apply.Write{{Verb: apply.VerbUpdate, Ref: test.ref}}, result.Writes)
			assert.Len(t, w.recorder.Requests(), 1)
			assert.Empty(t, cmp.Diff(content(before), content(w.live(t, test.ref))))
		})
	}
}

func TestWhatOthersAddStaysAndCausesNoWrite(t *testing.T) {
	w := newWorld(t)
	w.apply(t, declared(w.namespace)...)
	for ref := range refs(t, declared(w.namespace)...) {
		w.edit(t, ref, func(object *unstructured.Unstructured) {
			require.NoError(t, unstructured.SetNestedField(object.Object, "them", "metadata", "labels", "team.example/owner"))
			require.NoError(t, unstructured.SetNestedField(object.Object, "yes", "metadata", "annotations", "team.example/seen"))
			object.SetFinalizers(append(object.GetFinalizers(), "team.example/hold"))
		})
	}
	w.edit(t, w.ref("apps", "Deployment", "web"), func(object *unstructured.Unstructured) {
		containers, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		require.NoError(t, err)
		containers = append(containers, map[string]any{"name": "sidecar", "image": "crmkeep.local/sidecar:1"})
		require.NoError(t, unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers"))
	})
	w.recorder.Reset()

	assert.Empty(t, w.apply(t, declared(w.namespace)...).Writes)
	assert.Empty(t, w.recorder.Requests())
	assert.Equal(t, "them", w.live(t, w.ref("apps", "Deployment", "web")).GetLabels()["team.example/owner"])
}

func TestAFieldThatIsNoLongerDeclaredDisappears(t *testing.T) {
	w := newWorld(t)
	w.apply(t, declared(w.namespace)...)
	less := deployment(w.namespace)
	less.Spec.Template.Spec.SecurityContext.RunAsUser = nil
	less.Spec.Template.Spec.Containers[0].Env = nil

	result := w.apply(t, apply.Object{Configuration: less})

	assert.Len(t, result.Writes, 1)
	live := w.live(t, w.ref("apps", "Deployment", "web"))
	_, found, err := unstructured.NestedInt64(live.Object, "spec", "template", "spec", "securityContext", "runAsUser")
	require.NoError(t, err)
	assert.False(t, found)
	containers, _, err := unstructured.NestedSlice(live.Object, "spec", "template", "spec", "containers")
	require.NoError(t, err)
	assert.NotContains(t, containers[0], "env")
}

func TestAForeignObjectIsReportedAndUntouched(t *testing.T) {
	w := newWorld(t)
	w.apply(t, apply.Object{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)})
	for name, labels := range map[string]map[string]string{
		"without labels":             nil,
		"of another tool":            {naming.LabelManagedBy: "Helm"},
		"of another tenant":          {naming.LabelManagedBy: naming.ManagedBy, naming.LabelTenant: "globex", naming.LabelEnvironment: environment},
		"of the tenant's other side": {naming.LabelManagedBy: naming.ManagedBy, naming.LabelTenant: tenant},
	} {
		t.Run(name, func(t *testing.T) {
			theirs := &corev1.ConfigMap{Data: map[string]string{"theirs": "yes"}}
			theirs.SetName("agent-web")
			theirs.SetNamespace(w.namespace)
			theirs.SetLabels(labels)
			require.NoError(t, w.admin.Create(t.Context(), theirs))
			t.Cleanup(func() { assert.NoError(t, w.admin.Delete(context.WithoutCancel(t.Context()), theirs)) })
			before := w.live(t, w.ref("", "ConfigMap", "agent-web"))
			w.recorder.Reset()

			result, err := w.Apply(t.Context(), []apply.Object{{Configuration: configMap(w.namespace)}})

			waiting, ok := outcome.AsWaiting(err)
			require.True(t, ok, "got %v", err)
			assert.Equal(t, v1alpha1.ReasonNameClash, waiting.Reason)
			assert.Contains(t, waiting.Message, "ConfigMap "+w.namespace+"/agent-web")
			assert.Contains(t, waiting.Message, "crmkeep.io/tenant=acme crmkeep.io/environment=prod")
			assert.Empty(t, result.Writes)
			assert.Empty(t, w.accepted())
			assert.Empty(t, cmp.Diff(before, w.live(t, w.ref("", "ConfigMap", "agent-web"))))
		})
	}
}

func TestALabelOfOursThatWasLostIsRestored(t *testing.T) {
	w := newWorld(t)
	w.apply(t, declared(w.namespace)...)
	for _, label := range []string{naming.LabelManagedBy, naming.LabelTenant, naming.LabelEnvironment} {
		t.Run(label, func(t *testing.T) {
			ref := w.ref("networking.k8s.io", "NetworkPolicy", "web")
			before := w.live(t, ref)
			w.edit(t, ref, func(object *unstructured.Unstructured) {
				unstructured.RemoveNestedField(object.Object, "metadata", "labels", label)
			})
			if label == naming.LabelManagedBy {
				w.waitUntilUncached(t, ref)
			}

			result := w.apply(t, declared(w.namespace)...)

			assert.Equal(t, []apply.Write{{Verb: apply.VerbUpdate, Ref: ref}}, result.Writes)
			assert.Empty(t, cmp.Diff(content(before), content(w.live(t, ref))))
		})
	}
}

func TestAKindThatTheSchemeDoesNotKnowIsKeptAsDeclaredToo(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, corev1.AddToScheme(scheme))
	w := newWorldOf(t, scheme)
	objects := []apply.Object{
		{Configuration: corev1ac.Namespace(w.namespace).WithLabels(ownerLabels)},
		{Configuration: networkPolicy(w.namespace)},
	}
	ref := w.ref("networking.k8s.io", "NetworkPolicy", "web")

	w.apply(t, objects...)
	w.recorder.Reset()
	assert.Empty(t, w.apply(t, objects...).Writes)
	assert.Empty(t, w.recorder.Requests())

	before := w.live(t, ref)
	w.edit(t, ref, addIngressRule(t))
	assert.Equal(t, []apply.Write{{Verb: apply.VerbUpdate, Ref: ref}}, w.apply(t, objects...).Writes)
	assert.Empty(t, cmp.Diff(content(before), content(w.live(t, ref))))
	require.NoError(t, w.admin.Delete(t.Context(), w.live(t, ref)))
	w.waitUntilUncached(t, ref)
	assert.Equal(t, 1, w.apply(t, objects...).Count(apply.VerbCreate))
}

func TestAPassThatDiedAfterAnyWriteIsFinishedByTheNext(t *testing.T) {
	w := newWorld(t)
	total := len(declared(w.namespace))
	for writes := range total {
		w.namespace = newWorld(t).namespace
		w.recorder.Reset()
		w.recorder.CutAfter(writes)

		died, err := w.Apply(t.Context(), declared(w.namespace))
		require.Error(t, err)
		require.Len(t, died.Writes, writes)
		w.recorder.Reset()
		finished := w.apply(t, declared(w.namespace)...)

		require.Equal(t, total-writes, finished.Count(apply.VerbCreate), "what was there was written again after %d", writes)
		w.recorder.Reset()
		require.Empty(t, w.apply(t, declared(w.namespace)...).Writes)
		require.Empty(t, w.recorder.Requests())
	}
}

func content(object *unstructured.Unstructured) map[string]any {
	content := object.DeepCopy()
	content.SetManagedFields(nil)
	content.SetResourceVersion("")
	content.SetGeneration(0)
	return content.Object
}

func editContainer(t *testing.T, field string, value any) func(*unstructured.Unstructured) {
	return func(object *unstructured.Unstructured) {
		containers, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		require.NoError(t, err)
		containers[0].(map[string]any)[field] = value
		require.NoError(t, unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers"))
	}
}

func addIngressRule(t *testing.T) func(*unstructured.Unstructured) {
	return func(object *unstructured.Unstructured) {
		rules, _, err := unstructured.NestedSlice(object.Object, "spec", "ingress")
		require.NoError(t, err)
		rules = append(rules, map[string]any{"from": []any{map[string]any{"ipBlock": map[string]any{"cidr": "0.0.0.0/0"}}}})
		require.NoError(t, unstructured.SetNestedSlice(object.Object, rules, "spec", "ingress"))
	}
}
