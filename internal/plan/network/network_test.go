package network_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/network"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// environments are all combinations of what the relation table depends on.
func environments(t *testing.T) map[string]target.Target {
	t.Helper()
	all := map[string]target.Target{}
	for _, state := range []v1alpha1.EnvironmentState{v1alpha1.StateRunning, v1alpha1.StateSuspended, v1alpha1.StateQuarantined} {
		for _, external := range []bool{false, true} {
			for _, integrations := range []bool{false, true} {
				for _, ingress := range []bool{false, true} {
					for _, drill := range []bool{false, true} {
						name := string(state) + flag(external, " external") + flag(integrations, " integrations") + flag(ingress, " ingress") + flag(drill, " drill")
						all[name] = environment(t, state, external, integrations, ingress, drill)
					}
				}
			}
		}
	}
	return all
}

func environment(t *testing.T, state v1alpha1.EnvironmentState, external, integrations, ingress, drill bool) target.Target {
	t.Helper()
	s := build.Settings(func(s *settings.Settings) {
		if !ingress {
			s.Network.Ingress = nil
		}
	})
	env := build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
		e.Spec.State = state
		if external {
			e.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{Host: "pg.example", CIDR: "192.0.2.0/28"}}
		}
		if integrations {
			e.Spec.Integrations = []v1alpha1.Integration{{Name: "mail", CIDR: "203.0.113.8/29", Port: 587}}
		}
		if drill {
			e.Spec.Purpose = v1alpha1.PurposeDrill
		}
	})
	resolved, err := target.Resolve(s, build.Tenant("acme"), build.Class(), env)
	require.NoError(t, err)
	return resolved
}

func flag(on bool, name string) string {
	if on {
		return name
	}
	return ""
}

func TestEveryEdgeIsAllowedAtBothEnds(t *testing.T) {
	eachEnvironment(t, func(t *testing.T, resolved target.Target) {
		policies := policies(t, &resolved)
		for _, e := range network.Edges(&resolved) {
			if e.From.Component != "" {
				assert.True(t, slices.ContainsFunc(policies, func(p networkingv1.NetworkPolicy) bool {
					return speaksOf(p, e.From) && slices.ContainsFunc(p.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
						return allows(r.To, r.Ports, e.To, e)
					})
				}), "no egress rule for %+v", e)
			}
			if e.To.Component != "" {
				assert.True(t, slices.ContainsFunc(policies, func(p networkingv1.NetworkPolicy) bool {
					return speaksOf(p, e.To) && slices.ContainsFunc(p.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
						return allows(r.From, r.Ports, e.From, e)
					})
				}), "no ingress rule for %+v", e)
			}
		}
	})
}

func TestEveryRuleComesFromAnEdge(t *testing.T) {
	eachEnvironment(t, func(t *testing.T, resolved target.Target) {
		edges := network.Edges(&resolved)
		for _, p := range policies(t, &resolved) {
			for _, r := range p.Spec.Egress {
				assert.True(t, slices.ContainsFunc(edges, func(e network.Edge) bool {
					return speaksOf(p, e.From) && allows(r.To, r.Ports, e.To, e)
				}), "%s has an egress rule that nobody asked for: %+v", p.Name, r)
			}
			for _, r := range p.Spec.Ingress {
				assert.True(t, slices.ContainsFunc(edges, func(e network.Edge) bool {
					return speaksOf(p, e.To) && allows(r.From, r.Ports, e.From, e)
				}), "%s has an ingress rule that nobody asked for: %+v", p.Name, r)
			}
		}
	})
}

// An empty list of peers or ports would allow all of them.
func TestNoRuleIsOpenToEverybodyOrToEveryPort(t *testing.T) {
	eachEnvironment(t, func(t *testing.T, resolved target.Target) {
		for _, p := range policies(t, &resolved) {
			for _, r := range p.Spec.Egress {
				assert.Len(t, r.To, 1)
				assert.Len(t, r.Ports, 1)
			}
			for _, r := range p.Spec.Ingress {
				assert.Len(t, r.From, 1)
				assert.Len(t, r.Ports, 1)
				peer := r.From[0]
				assert.True(t, peer.NamespaceSelector != nil || peer.PodSelector != nil && len(peer.PodSelector.MatchLabels) > 0, "%s: %+v", p.Name, peer)
			}
		}
	})
}

func TestEveryPolicyHoldsBothWays(t *testing.T) {
	eachEnvironment(t, func(t *testing.T, resolved target.Target) {
		for _, p := range policies(t, &resolved) {
			assert.ElementsMatch(t, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}, p.Spec.PolicyTypes)
		}
	})
}

func TestQuarantineCutsOffPeopleAndIntegrationsAndNothingElse(t *testing.T) {
	all := environments(t)
	running, quarantined := all["Running integrations ingress"], all["Quarantined integrations ingress"]
	var cut []network.Edge
	kept := network.Edges(&quarantined)
	for _, e := range network.Edges(&running) {
		if !slices.ContainsFunc(kept, func(k network.Edge) bool { return assert.ObjectsAreEqual(e, k) }) {
			cut = append(cut, e)
		}
	}
	require.Len(t, cut, 3, "the ingress, and the integration of both components")
	assert.Equal(t, "ingress", cut[0].From.Outside.Namespace)
	assert.Equal(t, "203.0.113.8/29", cut[1].To.Outside.CIDR)
	assert.Equal(t, "203.0.113.8/29", cut[2].To.Outside.CIDR)
}

func TestWhoIsKeptOutHasNoWayInAndNothingElseIsCutOff(t *testing.T) {
	open := environments(t)["Running integrations ingress"]
	closed := open
	closed.Closed = true
	kept := network.Edges(&closed)
	cut := slices.DeleteFunc(network.Edges(&open), func(e network.Edge) bool {
		return slices.ContainsFunc(kept, func(k network.Edge) bool { return assert.ObjectsAreEqual(e, k) })
	})
	require.Len(t, cut, 1)
	assert.Equal(t, "ingress", cut[0].From.Outside.Namespace)
	assert.Len(t, kept, len(network.Edges(&open))-1, "nothing new comes with it")
}

func TestTheApplicationOfADrillIsReachedByItsChecksAndTheOperatorOnly(t *testing.T) {
	resolved := environments(t)["Running ingress drill"]
	var from []string
	for _, e := range network.Edges(&resolved) {
		if e.To.Component != "web" {
			continue
		}
		if e.From.Outside != nil {
			from = append(from, e.From.Outside.Namespace)
		} else {
			from = append(from, e.From.Component)
		}
	}
	assert.ElementsMatch(t, []string{naming.ComponentCheck, build.Settings().Network.OperatorNamespace}, from)
}

func TestTheDatabaseIsReachedByWhatUsesItOnly(t *testing.T) {
	resolved := environments(t)["Running integrations ingress"]
	var from []string
	for _, e := range network.Edges(&resolved) {
		if e.To.Component == naming.ComponentDatabase {
			from = append(from, e.From.Component)
		}
	}
	assert.ElementsMatch(t, []string{naming.ComponentMigrate, "web", "queue", naming.ComponentBackup, naming.ComponentRestore}, from)
}

func eachEnvironment(t *testing.T, check func(*testing.T, target.Target)) {
	t.Helper()
	for name, resolved := range environments(t) {
		t.Run(name, func(t *testing.T) { check(t, resolved) })
	}
}

func policies(t *testing.T, resolved *target.Target) []networkingv1.NetworkPolicy {
	t.Helper()
	var all []networkingv1.NetworkPolicy
	for _, o := range network.Policies(resolved) {
		text, err := yaml.Marshal(o.Configuration)
		require.NoError(t, err)
		var p networkingv1.NetworkPolicy
		require.NoError(t, yaml.UnmarshalStrict(text, &p))
		assert.Equal(t, resolved.Namespace, p.Namespace)
		all = append(all, p)
	}
	return all
}

// pod has the labels of a component's pods; any component has those of one that no policy names.
func pod(component string) labels.Set {
	if component == network.AnyComponent {
		component = "some"
	}
	return labels.Set{naming.LabelTenant: "acme", naming.LabelEnvironment: "prod", naming.LabelComponent: component}
}

func speaksOf(p networkingv1.NetworkPolicy, end network.Endpoint) bool {
	return end.Component != "" && labels.SelectorFromSet(p.Spec.PodSelector.MatchLabels).Matches(pod(end.Component))
}

func allows(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, end network.Endpoint, e network.Edge) bool {
	port := slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port.IntVal == e.Port && *p.Protocol == e.Protocol && p.EndPort == nil
	})
	return port && slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool { return isPeer(p, end) })
}

func isPeer(p networkingv1.NetworkPolicyPeer, end network.Endpoint) bool {
	o := end.Outside
	switch {
	case o == nil:
		return p.NamespaceSelector == nil && p.PodSelector != nil &&
			labels.SelectorFromSet(p.PodSelector.MatchLabels).Matches(pod(end.Component))
	case o.CIDR != "":
		return p.IPBlock != nil && p.IPBlock.CIDR == o.CIDR
	}
	inNamespace := p.NamespaceSelector != nil && p.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] == o.Namespace
	if len(o.PodLabels) == 0 {
		return inNamespace && p.PodSelector == nil
	}
	return inNamespace && p.PodSelector != nil && assert.ObjectsAreEqual(o.PodLabels, p.PodSelector.MatchLabels)
}
