package controllers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

// The Gateway API comes to a cluster that has an environment already, while no operator runs.
func TestAnEnvironmentIsReachedByAnHTTPRouteWhereTheClusterKnowsTheKind(t *testing.T) {
	in := install(t)
	in.settings.Exposure.Gateway = &settings.GatewayExposure{Name: "public", Namespace: "gateways"}
	stop := in.operate(t)
	in.tenant(t, "routed")
	env := in.ready(t, "routed", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.routed.example" })
	stop()
	_, err := envtest.InstallCRDs(in.server.Config(), envtest.CRDInstallOptions{
		Paths: []string{apitest.File("controllers/testdata/gateway")}, ErrorIfPathMissing: true,
	})
	require.NoError(t, err)
	theirs := routeOf(env, "theirs")
	theirs.Object["spec"] = map[string]any{"hostnames": []any{"intranet.routed.example"}}
	require.NoError(t, in.Create(t.Context(), theirs))
	stop = in.operate(t)

	route := routeOf(env, "web")
	in.until(t, "the route is made", func() error { return in.Get(t.Context(), client.ObjectKeyFromObject(route), route) })
	assert.Equal(t, map[string]any{
		"hostnames": []any{"crm.routed.example"},
		"parentRefs": []any{map[string]any{
			"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "gateways",
		}},
		"rules": []any{map[string]any{
			"matches":     []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}},
			"backendRefs": []any{map[string]any{"group": "", "kind": "Service", "name": "web", "port": int64(443), "weight": int64(1)}},
		}},
	}, route.Object["spec"])
	in.asksForItsOwnRoutes(t)
	in.routeIsPutBack(t, env, route)

	in.settle(t)
	stop()
	before := reconciles(t)
	in.operate(t)
	in.until(t, "the environment was looked at", func() error { return mustBe(reconciles(t) > before, "not yet") })
	in.settle(t)
	assert.Empty(t, in.recorder.Writes(), "a restart writes nothing")

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateQuarantined })
	in.gone(t, route)
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateRunning })
	in.until(t, "the route is back", func() error { return in.Get(t.Context(), client.ObjectKeyFromObject(route), route) })
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "" })
	in.gone(t, route)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(theirs), theirs), "nobody else's route is touched")
}

// asksForItsOwnRoutes looks at what the operator's cache has asked for: other people's routes may be many.
func (in *installation) asksForItsOwnRoutes(t *testing.T) {
	t.Helper()
	asked := 0
	for _, r := range in.recorder.Requests() {
		if strings.HasSuffix(r.Path, "/v1/httproutes") {
			asked++
			assert.Contains(t, r.Query, "labelSelector=app.kubernetes.io%2Fmanaged-by%3Dcrmkeep")
		}
	}
	assert.Positive(t, asked)
}

func (in *installation) routeIsPutBack(t *testing.T, env *v1alpha1.CRMEnvironment, route *unstructured.Unstructured) {
	t.Helper()
	in.comesTo(t, env, "True Succeeded")
	in.settle(t)
	declared := route.DeepCopy()
	for sentence, spoil := range map[string]func() error{
		"it was led elsewhere": func() error {
			route.Object["spec"].(map[string]any)["hostnames"] = []any{"elsewhere.example"}
			return in.Update(t.Context(), route)
		},
		"it lost our labels": func() error {
			route.SetLabels(nil)
			return in.Update(t.Context(), route)
		},
		"it was deleted": func() error { return in.Delete(t.Context(), route) },
	} {
		writes := in.writesIn(route.GetNamespace())
		require.NoError(t, spoil())
		in.until(t, sentence+" and is put back", func() error {
			if err := in.Get(t.Context(), client.ObjectKeyFromObject(route), route); err != nil {
				return err
			}
			return mustBe(assert.ObjectsAreEqual(declared.Object["spec"], route.Object["spec"]) && route.GetLabels()[naming.LabelTenant] != "", "it is not")
		})
		in.settle(t)
		assert.Equal(t, writes+1, in.writesIn(route.GetNamespace()), sentence)
	}
}

func routeOf(env *v1alpha1.CRMEnvironment, name string) *unstructured.Unstructured {
	route := &unstructured.Unstructured{}
	route.SetGroupVersionKind(schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"})
	route.SetNamespace(workloadNamespace(env))
	route.SetName(name)
	return route
}
