package admission

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/internal/naming"
)

func TestNamespacesAreLabelledByCrmkeepAlone(t *testing.T) {
	const refusal = "crmkeep.io/tenant, crmkeep.io/environment and crmkeep.io/namespace are crmkeep's"
	of := func(name string, labels map[string]string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	}
	set := func(key, value string) func(*corev1.Namespace) {
		return func(n *corev1.Namespace) { n.Labels[key] = value }
	}
	var verdicts []verdict
	for _, key := range []string{naming.LabelTenant, naming.LabelEnvironment, naming.LabelNamespace} {
		verdicts = append(verdicts,
			verdict{
				name: "a cluster admin cannot set " + key, user: platform, refusal: refusal,
				request: edit(of(elsewhere, nil), set(key, "acme")),
			},
			verdict{
				name: "a cluster admin cannot set an empty " + key, user: platform, refusal: refusal,
				request: edit(of(elsewhere, nil), set(key, "")),
			},
			verdict{
				name: "a cluster admin cannot create a namespace with " + key, user: platform, refusal: refusal,
				request: creation(of("crm-other", map[string]string{key: "acme"})),
			},
			verdict{
				name: "who may override sets " + key, user: overrider,
				request: edit(of(elsewhere, nil), set(key, "acme")),
			},
			verdict{
				name: "crmkeep creates a namespace with " + key, user: operator,
				request: creation(of("crm-other", map[string]string{key: "acme"})),
			})
	}
	verdicts = append(verdicts,
		verdict{
			name: "a cluster admin cannot move a namespace to another tenant", user: platform, refusal: isManaged,
			request: edit(of(home, nil), set(naming.LabelTenant, "other")),
		},
		verdict{
			name: "a cluster admin cannot take a namespace from its tenant", user: platform, refusal: isManaged,
			request: edit(of(home, nil), func(n *corev1.Namespace) { delete(n.Labels, naming.LabelTenant) }),
		},
		verdict{
			name: "a cluster admin sets another label", user: platform,
			request: edit(of(elsewhere, nil), set("team", "sales")),
		},
		verdict{
			name: "a cluster admin creates a namespace without labels", user: platform,
			request: creation(of("crm-other", nil)),
		})
	check(t, verdicts)
}
