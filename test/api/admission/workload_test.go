package admission

import (
	"context"
	"fmt"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestAWorkloadNamespaceIsEnteredByCrmkeepAlone(t *testing.T) {
	const refusal = "only crmkeep runs things or gets into them there"
	intruder := pod()
	intruder.Name, intruder.Labels = "intruder", nil
	unlabelled := deployment(workload, nil)
	unlabelled.Name = "intruder"
	opening := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "allow-all", Namespace: workload}}
	ways := map[string]func(context.Context, client.Client) error{
		"start a pod":         creation(intruder),
		"start a Deployment":  creation(unlabelled),
		"relabel a pod":       edit(pod(), func(p *corev1.Pod) { p.Labels = map[string]string{"app": "database"} }),
		"open the network":    creation(opening),
		"scale a Deployment":  scale,
		"get a pod's token":   token,
		"debug a running pod": debug,
	}
	var verdicts []verdict
	for way, request := range ways {
		verdicts = append(verdicts,
			verdict{name: "a cluster admin cannot " + way, user: platform, refusal: refusal, request: request},
			verdict{name: "who may override can " + way, user: overrider, request: request},
			verdict{name: "crmkeep can " + way, user: operator, request: request},
			verdict{name: "a controller of Kubernetes can " + way, user: collector, request: request})
	}
	verdicts = append(verdicts,
		verdict{name: "a node gets a pod's token", user: kubelet, request: token},
		verdict{name: "a cluster admin evicts a pod", user: platform, request: evict},
		verdict{name: "a cluster admin starts a Deployment elsewhere", user: platform, request: creation(deployment(elsewhere, nil))})
	check(t, verdicts)
}

func TestARunningPodIsEnteredByNobody(t *testing.T) {
	const refusal = "only crmkeep runs things or gets into them there"
	var verdicts []verdict
	for _, way := range []string{"exec", "attach", "portforward"} {
		verdicts = append(verdicts, verdict{
			name: fmt.Sprintf("a cluster admin cannot %s", way), user: platform, refusal: refusal,
			request: func(ctx context.Context, _ client.Client) error { return connect(ctx, t, "pods", way) },
		})
	}
	verdicts = append(verdicts,
		verdict{
			name: "a cluster admin cannot reach a pod through the API server", user: platform, refusal: refusal,
			request: func(ctx context.Context, _ client.Client) error { return connect(ctx, t, "pods", "proxy") },
		},
		verdict{
			name: "a cluster admin cannot reach a Service through the API server", user: platform, refusal: refusal,
			request: func(ctx context.Context, _ client.Client) error { return connect(ctx, t, "services", "proxy") },
		})
	check(t, verdicts)
}

// connect asks as a cluster admin for a connection to what is named web.
func connect(ctx context.Context, t *testing.T, resource, way string) error {
	t.Helper()
	c, err := kubernetes.NewForConfig(configOf(t, platform))
	if err != nil {
		return err
	}
	return c.CoreV1().RESTClient().Post().Namespace(workload).Resource(resource).Name("web").SubResource(way).Do(ctx).Error()
}

func scale(ctx context.Context, c client.Client) error {
	body := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 0}}
	body.Name, body.Namespace = "web", workload
	return c.SubResource("scale").Update(ctx, deployment(workload, nil), client.WithSubResourceBody(body))
}

func token(ctx context.Context, c client.Client) error {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: workload}}
	return c.SubResource("token").Create(ctx, account, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"vault"}},
	})
}

func debug(ctx context.Context, c client.Client) error {
	running := pod()
	if err := c.Get(ctx, client.ObjectKeyFromObject(running), running); err != nil {
		return err
	}
	running.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: "debug", Image: "crmkeep.local/debug:1.0", TerminationMessagePolicy: corev1.TerminationMessageReadFile,
	}}}
	return c.SubResource("ephemeralcontainers").Update(ctx, running)
}

func evict(ctx context.Context, c client.Client) error {
	return c.SubResource("eviction").Create(ctx, pod(), &policyv1.Eviction{})
}
