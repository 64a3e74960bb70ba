package netpol

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// hooks sees both ends of a connection with their real addresses: after a Service's translation of the destination,
// before any of the source. An address in the pod range that is not known yet is kept out until its pod is seen, so
// no pod talks before its policies are loaded.
const hooks = ` chain forward { type filter hook forward priority filter; policy accept;
  ct state established,related accept
  ip saddr %[1]s ip saddr != @pods drop
  ip daddr %[1]s ip daddr != @pods drop
  ip saddr vmap @egress
  ip daddr vmap @ingress
 }
 chain input { type filter hook input priority filter; policy accept;
  ct state established,related accept
  ip saddr %[1]s ip saddr != @pods drop
  ip saddr vmap @egress
 }
`

// table writes the nftables table that holds the policies for the pods on node.
func table(node, podCIDR string, pods []pod, policies []*networkingv1.NetworkPolicy) string {
	policies = slices.Clone(policies)
	slices.SortFunc(policies, func(a, b *networkingv1.NetworkPolicy) int { return strings.Compare(key(a), key(b)) })

	var chains strings.Builder
	var known, in, out []string
	for i, p := range pods {
		known = append(known, p.ip.String())
		if p.Spec.NodeName != node {
			continue
		}
		if matches, isolated := ingress(p, policies, pods); isolated {
			in = append(in, addChain(&chains, fmt.Sprintf("in-%d", i), p, matches))
		}
		if matches, isolated := egress(p, policies, pods); isolated {
			out = append(out, addChain(&chains, fmt.Sprintf("out-%d", i), p, matches))
		}
	}

	const name = "crmkeep-node-netpol"
	var b strings.Builder
	// Declaring it first makes the deletion work when there is none.
	fmt.Fprintf(&b, "table ip %[1]s\ndelete table ip %[1]s\ntable ip %[1]s {\n", name)
	fmt.Fprintf(&b, " set pods { type ipv4_addr;%s }\n", elements(known))
	b.WriteString(chains.String())
	fmt.Fprintf(&b, " map ingress { type ipv4_addr : verdict;%s }\n", elements(in))
	fmt.Fprintf(&b, " map egress { type ipv4_addr : verdict;%s }\n", elements(out))
	fmt.Fprintf(&b, hooks+"}\n", podCIDR)
	return b.String()
}

// addChain writes a chain that drops what no match lets through, and gives the map element that leads there.
func addChain(b *strings.Builder, name string, p pod, matches []string) string {
	fmt.Fprintf(b, " chain %s { comment %q\n", name, key(p))
	for _, match := range matches {
		fmt.Fprintf(b, "  %s\n", strings.TrimSpace(match+" return"))
	}
	b.WriteString("  counter drop\n }\n")
	return fmt.Sprintf("%s : jump %s", p.ip, name)
}

func elements(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " elements = { " + strings.Join(list, ", ") + " }"
}
