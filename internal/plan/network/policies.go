// Package network plans who may talk to whom: one table of connections, and from it the NetworkPolicies of both ends. It is pure.
package network

import (
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// Names of the policies that concern every pod.
const (
	defaultDeny = "default-deny"
	everyPod    = "every-pod"
	// componentPrefix keeps the policy of a component apart from the two above, however the component is called.
	componentPrefix = "component-"
)

// metadataName is the label that Kubernetes itself puts on a namespace and that nobody can fake.
const metadataName = "kubernetes.io/metadata.name"

// Policies plans default deny both ways and, for each component, exactly what the edges allow.
func Policies(t *target.Target) []object.Object {
	deny := policy(t, defaultDeny, metav1ac.LabelSelector())
	deny.Spec.WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress)
	objects := []object.Object{{Configuration: deny}}

	edges := Edges(t)
	for _, component := range components(edges) {
		name, selector := componentPrefix+component, metav1ac.LabelSelector().WithMatchLabels(podSelector(t, component))
		if component == AnyComponent {
			name, selector = everyPod, metav1ac.LabelSelector()
		}
		p := policy(t, name, selector)
		for _, e := range edges {
			if e.To.Component == component {
				p.Spec.WithIngress(networkingv1ac.NetworkPolicyIngressRule().WithFrom(peer(t, e.From)).WithPorts(port(e)))
			}
			if e.From.Component == component {
				p.Spec.WithEgress(networkingv1ac.NetworkPolicyEgressRule().WithTo(peer(t, e.To)).WithPorts(port(e)))
			}
		}
		p.Spec.WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress)
		objects = append(objects, object.Object{Configuration: p})
	}
	return objects
}

// components that any edge speaks of, sorted.
func components(edges []Edge) []string {
	var names []string
	for _, e := range edges {
		for _, c := range []string{e.From.Component, e.To.Component} {
			if c != "" {
				names = append(names, c)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func policy(t *target.Target, name string, pods *metav1ac.LabelSelectorApplyConfiguration) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkingv1ac.NetworkPolicy(name, t.Namespace).
		WithLabels(object.Labels(t.Tenant, t.Environment)).
		WithSpec(networkingv1ac.NetworkPolicySpec().WithPodSelector(pods))
}

func peer(t *target.Target, e Endpoint) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	switch {
	case e.Outside != nil:
		return outsidePeer(*e.Outside)
	case e.Component == AnyComponent:
		return networkingv1ac.NetworkPolicyPeer().WithPodSelector(metav1ac.LabelSelector())
	}
	return networkingv1ac.NetworkPolicyPeer().WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(podSelector(t, e.Component)))
}

func outsidePeer(p settings.Peer) *networkingv1ac.NetworkPolicyPeerApplyConfiguration {
	if p.CIDR != "" {
		return networkingv1ac.NetworkPolicyPeer().WithIPBlock(networkingv1ac.IPBlock().WithCIDR(p.CIDR))
	}
	out := networkingv1ac.NetworkPolicyPeer().WithNamespaceSelector(
		metav1ac.LabelSelector().WithMatchLabels(map[string]string{metadataName: p.Namespace}))
	if len(p.PodLabels) > 0 {
		out.WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(p.PodLabels))
	}
	return out
}

func podSelector(t *target.Target, component string) map[string]string {
	return map[string]string{
		naming.LabelTenant: t.Tenant, naming.LabelEnvironment: t.Environment, naming.LabelComponent: component,
	}
}

func port(e Edge) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(e.Protocol).WithPort(intstr.FromInt32(e.Port))
}
