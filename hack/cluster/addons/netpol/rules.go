package netpol

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// peers is one side of a rule: a match on the address, empty for everybody, and the pods that it covers.
type peers struct {
	match string
	pods  []pod
}

// ingress gives the nftables matches of what may reach the pod, and whether any policy isolates it.
func ingress(target pod, policies []*networkingv1.NetworkPolicy, pods []pod) (matches []string, isolated bool) {
	for _, policy := range policies {
		if !applies(policy, target, networkingv1.PolicyTypeIngress) {
			continue
		}
		isolated = true
		for _, rule := range policy.Spec.Ingress {
			for _, from := range resolve("saddr", policy.Namespace, rule.From, pods) {
				matches = append(matches, withPorts(from, rule.Ports, func(name, protocol string) []string {
					return portMatches(from.match, protocol, target.namedPorts(name, protocol))
				})...)
			}
		}
	}
	return matches, isolated
}

// egress gives the nftables matches of what the pod may reach, and whether any policy isolates it. A named port has
// the number that each destination gives it.
func egress(source pod, policies []*networkingv1.NetworkPolicy, pods []pod) (matches []string, isolated bool) {
	for _, policy := range policies {
		if !applies(policy, source, networkingv1.PolicyTypeEgress) {
			continue
		}
		isolated = true
		for _, rule := range policy.Spec.Egress {
			for _, to := range resolve("daddr", policy.Namespace, rule.To, pods) {
				matches = append(matches, withPorts(to, rule.Ports, func(name, protocol string) []string {
					var named []string
					for _, p := range to.pods {
						named = append(named, portMatches("ip daddr "+p.ip.String(), protocol, p.namedPorts(name, protocol))...)
					}
					return named
				})...)
			}
		}
	}
	return matches, isolated
}

func applies(policy *networkingv1.NetworkPolicy, p pod, kind networkingv1.PolicyType) bool {
	return policy.Namespace == p.Namespace &&
		slices.Contains(policy.Spec.PolicyTypes, kind) && // the API server always fills these in
		selects(&policy.Spec.PodSelector, p.Labels)
}

// resolve turns the peers of a rule into addresses. No peers at all means everybody; peers that select nobody are
// left out.
func resolve(field, namespace string, list []networkingv1.NetworkPolicyPeer, pods []pod) []peers {
	if len(list) == 0 {
		return []peers{{pods: pods}}
	}
	var resolved []peers
	for _, peer := range list {
		var p peers
		if peer.IPBlock != nil {
			p = inBlock(field, peer.IPBlock, pods)
		} else {
			p = selected(field, namespace, peer, pods)
		}
		if p.match != "" {
			resolved = append(resolved, p)
		}
	}
	return resolved
}

func inBlock(field string, block *networkingv1.IPBlock, pods []pod) peers {
	prefix, err := netip.ParsePrefix(block.CIDR)
	if err != nil || !prefix.Addr().Is4() {
		return peers{}
	}
	p := peers{match: fmt.Sprintf("ip %s %s", field, prefix.Masked())}
	var excepted []netip.Prefix
	var list []string
	for _, cidr := range block.Except {
		if except, err := netip.ParsePrefix(cidr); err == nil && except.Addr().Is4() {
			excepted = append(excepted, except)
			list = append(list, except.Masked().String())
		}
	}
	if len(list) > 0 {
		p.match += fmt.Sprintf(" ip %s != { %s }", field, strings.Join(list, ", "))
	}
	for _, candidate := range pods {
		covers := func(x netip.Prefix) bool { return x.Contains(candidate.ip) }
		if covers(prefix) && !slices.ContainsFunc(excepted, covers) {
			p.pods = append(p.pods, candidate)
		}
	}
	return p
}

func selected(field, namespace string, peer networkingv1.NetworkPolicyPeer, pods []pod) peers {
	var p peers
	var addresses []string
	for _, candidate := range pods {
		inNamespace := candidate.Namespace == namespace
		if peer.NamespaceSelector != nil {
			inNamespace = selects(peer.NamespaceSelector, candidate.namespaceLabels)
		}
		if inNamespace && (peer.PodSelector == nil || selects(peer.PodSelector, candidate.Labels)) {
			p.pods = append(p.pods, candidate)
			addresses = append(addresses, candidate.ip.String())
		}
	}
	if len(addresses) > 0 {
		p.match = fmt.Sprintf("ip %s { %s }", field, strings.Join(addresses, ", "))
	}
	return p
}

// withPorts narrows a match to the ports of a rule; no ports at all means every port. named gives the matches of a
// port that is given by name.
func withPorts(p peers, ports []networkingv1.NetworkPolicyPort, named func(name, protocol string) []string) []string {
	if len(ports) == 0 {
		return []string{p.match}
	}
	var matches []string
	for _, port := range ports {
		protocol := "tcp"
		if port.Protocol != nil {
			protocol = strings.ToLower(string(*port.Protocol))
		}
		switch {
		case port.Port == nil:
			matches = append(matches, p.match+" meta l4proto "+protocol)
		case port.Port.Type == intstr.String:
			matches = append(matches, named(port.Port.StrVal, protocol)...)
		case port.EndPort != nil:
			matches = append(matches, fmt.Sprintf("%s %s dport %d-%d", p.match, protocol, port.Port.IntVal, *port.EndPort))
		default:
			matches = append(matches, portMatches(p.match, protocol, []int32{port.Port.IntVal})...)
		}
	}
	return matches
}

func portMatches(match, protocol string, numbers []int32) []string {
	var matches []string
	for _, number := range numbers {
		matches = append(matches, fmt.Sprintf("%s %s dport %d", match, protocol, number))
	}
	return matches
}
