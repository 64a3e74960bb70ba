package chart

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/plan"
	"github.com/crmkeep/crmkeep/internal/plan/network"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// The table of connections makes the environments' rules; the manager's own are written in the chart.
func TestTheManagerMayReachOfAnEnvironmentWhatTheTableOfConnectionsSaysAndNothingElse(t *testing.T) {
	for _, values := range []string{least, everything} {
		t.Run(values, func(t *testing.T) {
			objects := render(t, "--values="+values)
			manager := find[appsv1.Deployment](t, objects, "Deployment", "crmkeep")
			policy := find[networkingv1.NetworkPolicy](t, objects, "NetworkPolicy", "crmkeep")
			pod := labels.Set(manager.Spec.Template.Labels)
			require.Equal(t, manager.Namespace, policy.Namespace)
			require.True(t, selects(t, &policy.Spec.PodSelector, pod))

			resolved, err := target.Resolve(loadSettings(t, objects), build.Tenant("acme"), build.Class(), build.Environment("acme", "prod"))
			require.NoError(t, err)
			want := map[string]bool{}
			for _, edge := range network.Edges(&resolved) {
				from := edge.From.Outside
				if from == nil || !labels.SelectorFromSet(from.PodLabels).Matches(pod) || from.Namespace != manager.Namespace {
					continue
				}
				want[portName(edge.Protocol, edge.Port)] = true
			}
			require.Len(t, want, 2, "the application's agent, and the progress of a run")
			assert.Equal(t, want, portsInto(t, policy, workloadLabels(t, &resolved)))
		})
	}
}

// portsInto are those that the rules of a policy open into a namespace with these labels. A rule without peers is the API server's, whose
// address nobody has told: into an environment it opens nothing that the environment's own policies do not.
func portsInto(t *testing.T, policy networkingv1.NetworkPolicy, namespace labels.Set) map[string]bool {
	t.Helper()
	ports := map[string]bool{}
	for _, rule := range policy.Spec.Egress {
		if !slices.ContainsFunc(rule.To, func(p networkingv1.NetworkPolicyPeer) bool { return selects(t, p.NamespaceSelector, namespace) }) {
			continue
		}
		for _, to := range rule.To {
			require.Nil(t, to.PodSelector, "what the rule opens may depend on the pod")
		}
		require.NotEmpty(t, rule.Ports, "without ports a rule opens all of them")
		for _, p := range rule.Ports {
			require.Nil(t, p.EndPort)
			protocol := corev1.ProtocolTCP
			if p.Protocol != nil {
				protocol = *p.Protocol
			}
			ports[portName(protocol, p.Port.IntVal)] = true
		}
	}
	return ports
}

func portName(protocol corev1.Protocol, port int32) string {
	return string(protocol) + " " + strconv.Itoa(int(port))
}

// selects is false for a selector that is not there: such a peer is pods of the manager's own namespace, or a range of addresses.
func selects(t *testing.T, selector *metav1.LabelSelector, of labels.Set) bool {
	t.Helper()
	if selector == nil {
		return false
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	return s.Matches(of)
}

// workloadLabels are those of the environment's namespace as it is planned, with what Kubernetes itself adds.
func workloadLabels(t *testing.T, resolved *target.Target) labels.Set {
	t.Helper()
	planned, err := plan.ForEnvironment(resolved, &facts.Environment{})
	require.NoError(t, err)
	for _, o := range planned.Objects() {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o.Configuration)
		require.NoError(t, err)
		if object := (&unstructured.Unstructured{Object: content}); object.GetKind() == "Namespace" {
			all := labels.Set{corev1.LabelMetadataName: object.GetName()}
			maps.Copy(all, object.GetLabels())
			return all
		}
	}
	require.Fail(t, "no namespace is planned")
	return nil
}

// loadSettings reads the installation's, as the manager does.
func loadSettings(t *testing.T, objects []*unstructured.Unstructured) settings.Settings {
	t.Helper()
	config := find[corev1.ConfigMap](t, objects, "ConfigMap", "crmkeep-settings")
	file := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config.Data["settings.yaml"]), 0o600))
	loaded, err := settings.Load(file)
	require.NoError(t, err)
	return loaded
}
