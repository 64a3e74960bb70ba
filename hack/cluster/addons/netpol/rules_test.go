package netpol

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var (
	web   = newPod("shop", "web", "10.0.0.1", corev1.ContainerPort{Name: "http", ContainerPort: 8080, Protocol: "TCP"})
	other = newPod("shop", "other", "10.0.0.2", corev1.ContainerPort{Name: "http", ContainerPort: 9090, Protocol: "TCP"})
	guest = newPod("guest", "guest", "10.0.0.3")
	all   = []pod{guest, other, web}
)

func TestIngressRulesBecomeMatches(t *testing.T) {
	http, number := intstr.FromString("http"), intstr.FromInt32(80)
	last := int32(90)
	udp := corev1.ProtocolUDP
	tests := map[string]struct {
		rule networkingv1.NetworkPolicyIngressRule
		want []string
	}{
		"an empty rule lets everybody in": {want: []string{""}},
		"a pod selector means pods of the policy's own namespace": {
			rule: networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}},
			want: []string{"ip saddr { 10.0.0.2, 10.0.0.1 }"},
		},
		"a namespace selector means all pods of those namespaces": {
			rule: networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: selector("name", "guest")}}},
			want: []string{"ip saddr { 10.0.0.3 }"},
		},
		"both selectors must match": {
			rule: networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{
				{NamespaceSelector: selector("name", "guest"), PodSelector: selector("app", "web")},
			}},
		},
		"a block leaves its exceptions out": {
			rule: networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{
				{IPBlock: &networkingv1.IPBlock{CIDR: "192.168.1.7/16", Except: []string{"192.168.3.0/24"}}},
			}},
			want: []string{"ip saddr 192.168.0.0/16 ip saddr != { 192.168.3.0/24 }"},
		},
		"a named port is the target's": {
			rule: networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{{Port: &http}}},
			want: []string{" tcp dport 8080"},
		},
		"ports may be a range, a protocol or a number": {
			rule: networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{
				{Port: &number, EndPort: &last}, {Protocol: &udp}, {Port: &number, Protocol: &udp},
			}},
			want: []string{" tcp dport 80-90", " meta l4proto udp", " udp dport 80"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			policy := newPolicy("shop", networkingv1.PolicyTypeIngress)
			policy.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{test.rule}
			got, isolated := ingress(web, []*networkingv1.NetworkPolicy{policy}, all)
			if !isolated || !slices.Equal(got, test.want) {
				t.Errorf("isolated %v, matches %q; want %q", isolated, got, test.want)
			}
		})
	}
}

func TestANamedEgressPortIsTheNumberOfEachDestination(t *testing.T) {
	http := intstr.FromString("http")
	policy := newPolicy("shop", networkingv1.PolicyTypeEgress)
	policy.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{
		To:    []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/24", Except: []string{"10.0.0.2/32"}}}},
		Ports: []networkingv1.NetworkPolicyPort{{Port: &http}},
	}}
	got, _ := egress(guest, []*networkingv1.NetworkPolicy{policy}, all)
	if len(got) != 0 {
		t.Errorf("a policy of another namespace applied: %q", got)
	}
	got, _ = egress(other, []*networkingv1.NetworkPolicy{policy}, all)
	if want := []string{"ip daddr 10.0.0.1 tcp dport 8080"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnlyIsolatedPodsOfThisNodeHaveChains(t *testing.T) {
	elsewhere := newPod("shop", "elsewhere", "10.0.0.4")
	elsewhere.Spec.NodeName = "another"
	got := table("node", "10.0.0.0/8", append(slices.Clone(all), elsewhere), []*networkingv1.NetworkPolicy{
		newPolicy("shop", networkingv1.PolicyTypeIngress),
	})
	for _, want := range []string{
		"set pods { type ipv4_addr; elements = { 10.0.0.3, 10.0.0.2, 10.0.0.1, 10.0.0.4 } }",
		"map ingress { type ipv4_addr : verdict; elements = { 10.0.0.2 : jump in-1, 10.0.0.1 : jump in-2 } }",
		"map egress { type ipv4_addr : verdict; }",
		"ip saddr 10.0.0.0/8 ip saddr != @pods drop",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table has no %q:\n%s", want, got)
		}
	}
}

func newPod(namespace, name, ip string, ports ...corev1.ContainerPort) pod {
	return pod{
		Pod: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": name}},
			Spec:       corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Ports: ports}}},
		},
		ip:              netip.MustParseAddr(ip),
		namespaceLabels: labels.Set{"name": namespace},
	}
}

func newPolicy(namespace string, kind networkingv1.PolicyType) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "policy"},
		Spec:       networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{kind}},
	}
}

func selector(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}
