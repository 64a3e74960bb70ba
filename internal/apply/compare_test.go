package apply

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// liveIn reads YAML as an object of the cache, with its Go type.
func liveIn(t testing.TB, text string) runtime.Object {
	t.Helper()
	content := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(text), &content.Object))
	d := &declaration{gvk: content.GroupVersionKind()}
	live, err := newComparer(clientgoscheme.Scheme).decode(d, content)
	require.NoError(t, err)
	return live
}

func declaredIn(t testing.TB, text string) *declaration {
	t.Helper()
	content := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(text), &content.Object))
	gvk := content.GroupVersionKind()
	return &declaration{ref: Ref{Group: gvk.Group, Kind: gvk.Kind, Name: content.GetName()}, gvk: gvk, decoded: content}
}

func TestEveryDeclaredFieldMustHoldByTheRulesOfItsSchema(t *testing.T) {
	const (
		deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {"
		end        = "}}}}"
		policy     = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec: {"
		unknown    = "{apiVersion: example.org/v1, kind: Widget, metadata: {name: web}, spec: {"
	)
	for name, test := range map[string]struct {
		declared string
		live     string
		want     bool
	}{
		"a default that the server added elsewhere does not count": {
			deployment + "containers: [{name: a, image: i}]" + end,
			deployment + "dnsPolicy: Default, containers: [{name: a, image: i, imagePullPolicy: Always}]" + end, true},
		"a container that somebody added does not count": {
			deployment + "containers: [{name: a, image: i}]" + end,
			deployment + "containers: [{name: b, image: j}, {name: a, image: i}]" + end, true},
		"a container that is missing counts": {
			deployment + "containers: [{name: a, image: i}, {name: b, image: j}]" + end,
			deployment + "containers: [{name: a, image: i}]" + end, false},
		"a port whose protocol is a default is found by its key": {
			deployment + "containers: [{name: a, ports: [{containerPort: 1, name: x}]}]" + end,
			deployment + "containers: [{name: a, ports: [{containerPort: 1, name: x, protocol: TCP}]}]" + end, true},
		"a quantity in another spelling is the same": {
			deployment + "containers: [{name: a, resources: {limits: {cpu: 1000m, memory: 1024Mi}}}]" + end,
			deployment + "containers: [{name: a, resources: {limits: {cpu: 1, memory: 1Gi}}}]" + end, true},
		"an empty volume that somebody sized holds": {
			deployment + "hostNetwork: false, volumes: [{name: a, emptyDir: {}}]" + end,
			deployment + "volumes: [{name: a, emptyDir: {sizeLimit: 1Gi}}]" + end, true},
		"an empty volume that became another does not": {
			deployment + "hostNetwork: false, volumes: [{name: a, emptyDir: {}}]" + end,
			deployment + "volumes: [{name: a, hostPath: {path: /}}]" + end, false},
		"another quantity is not": {
			deployment + "containers: [{name: a, resources: {limits: {cpu: 1000m}}}]" + end,
			deployment + "containers: [{name: a, resources: {limits: {cpu: 2}}}]" + end, false},
		"a declared false that its type cannot store holds when unset": {
			deployment + "hostNetwork: false" + end, deployment + "dnsPolicy: Default" + end, true},
		"and does not when true": {
			deployment + "hostNetwork: false" + end, deployment + "hostNetwork: true" + end, false},
		"a declared false that its type can store must be there": {
			deployment + "automountServiceAccountToken: false" + end, deployment + "dnsPolicy: Default" + end, false},
		"an atomic list is compared whole": {
			policy + "ingress: [{from: [{podSelector: {}}]}]}}",
			policy + "ingress: [{from: [{podSelector: {}}]}, {}]}}", false},
		"an item of an atomic list that was widened counts": {
			policy + "ingress: [{from: [{podSelector: {}}]}]}}",
			policy + "ingress: [{from: [{podSelector: {}, namespaceSelector: {}}]}]}}", false},
		"an empty selector that was narrowed counts": {
			policy + "podSelector: {}}}", policy + "podSelector: {matchLabels: {a: b}}}}", false},
		"a kind without a schema is compared by its fields": {
			unknown + "a: 1, list: [{x: 1}]}}", unknown + "a: 1, b: 2, list: [{x: 1}]}}", true},
		"its lists are compared whole": {
			unknown + "a: 1, list: [{x: 1}]}}", unknown + "a: 1, list: [{x: 1, z: 2}]}}", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newComparer(clientgoscheme.Scheme).holds(declaredIn(t, test.declared), liveIn(t, test.live))
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestAnAnswerIsTheStateToKeepUntilDeclarationOrObjectChange(t *testing.T) {
	compare := newComparer(clientgoscheme.Scheme)
	d := declaredIn(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {key: ours}}`)
	d.hash = "1"
	answered := declaredIn(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {key: theirs}}`)

	theirs, err := answered.content()
	require.NoError(t, err)
	asDeclared, err := compare.settle(d, theirs)
	require.NoError(t, err)
	assert.False(t, asDeclared)

	holds, err := compare.holds(d, liveIn(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {key: theirs, more: "yes"}}`))
	require.NoError(t, err)
	assert.True(t, holds, "what the server made of it")
	holds, err = compare.holds(d, liveIn(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {key: edited}}`))
	require.NoError(t, err)
	assert.False(t, holds, "an edit")
	d.hash = "2"
	holds, err = compare.holds(d, liveIn(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {key: theirs}}`))
	require.NoError(t, err)
	assert.False(t, holds, "another declaration")
}

func TestWhatConfinesPodsComesBeforeWhatRunsThem(t *testing.T) {
	kind := func(object runtime.Object) phase {
		kinds, _, err := clientgoscheme.Scheme.ObjectKinds(object)
		require.NoError(t, err)
		return phaseOf(kinds[0].GroupKind())
	}
	assert.Less(t, kind(&corev1.Namespace{}), kind(&networkingv1.NetworkPolicy{}))
	for _, confining := range []runtime.Object{&networkingv1.NetworkPolicy{}, &corev1.ResourceQuota{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{}} {
		for _, running := range []runtime.Object{&appsv1.Deployment{}, &appsv1.StatefulSet{}, &corev1.Pod{}, &corev1.PersistentVolumeClaim{}} {
			assert.Less(t, kind(confining), kind(running), "%T before %T", confining, running)
		}
	}
}
