package netpol

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// pod is one with an address of its own.
type pod struct {
	*corev1.Pod
	ip              netip.Addr
	namespaceLabels labels.Set
}

// withAddress gives the pods that have an address, in the order of their names.
func withAddress(all []*corev1.Pod, namespaces corelisters.NamespaceLister) []pod {
	// An address may be shown by an ending pod and by its successor: the newer one has it.
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b *corev1.Pod) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	taken := map[netip.Addr]bool{}
	var pods []pod
	for _, p := range all {
		ip, err := netip.ParseAddr(p.Status.PodIP)
		if err != nil || !ip.Is4() || taken[ip] || p.Spec.HostNetwork || ended(p) {
			continue
		}
		namespace, err := namespaces.Get(p.Namespace)
		if err != nil {
			continue // gone, or not seen yet: its event brings us back
		}
		taken[ip] = true
		pods = append(pods, pod{p, ip, namespace.Labels})
	}
	slices.SortFunc(pods, func(a, b pod) int { return strings.Compare(key(a), key(b)) })
	return pods
}

func ended(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// namedPorts gives the numbers that a port's name has in the pod: several when containers disagree.
func (p pod) namedPorts(name, protocol string) []int32 {
	containers := slices.Clone(p.Spec.Containers)
	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways { // a sidecar
			containers = append(containers, c)
		}
	}
	var numbers []int32
	for _, c := range containers {
		for _, port := range c.Ports {
			if port.Name == name && strings.EqualFold(string(port.Protocol), protocol) {
				numbers = append(numbers, port.ContainerPort)
			}
		}
	}
	return numbers
}

func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set)
}

func key(o metav1.Object) string { return o.GetNamespace() + "/" + o.GetName() }
