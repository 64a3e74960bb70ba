package network

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	backup "github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// Endpoint is one end of an Edge: a component of the environment, every component of it, or something outside.
type Endpoint struct {
	// Component of the environment; empty for Outside. AnyComponent for all.
	Component string
	Outside   *settings.Peer
}

// AnyComponent stands for every pod of the environment.
const AnyComponent = "*"

// Edge is a connection that may be made. Both sides' rules come from it, so they cannot disagree.
type Edge struct {
	From, To Endpoint
	Protocol corev1.Protocol
	// Port that To listens on, after any Service.
	Port int32
}

// Edges is the relation table of an environment: all that may talk. What is not here is denied.
func Edges(t *target.Target) []Edge {
	n := t.Settings.Network
	anyone := Endpoint{Component: AnyComponent}
	web := Endpoint{Component: t.WebComponent().Name}
	edges := []Edge{
		{From: anyone, To: outside(n.DNS), Protocol: corev1.ProtocolUDP, Port: n.DNS.Port},
		{From: anyone, To: outside(n.DNS), Protocol: corev1.ProtocolTCP, Port: n.DNS.Port},
		{From: anyone, To: outside(n.Vault), Protocol: corev1.ProtocolTCP, Port: n.Vault.Port},
		{From: outside(operator(n)), To: web, Protocol: corev1.ProtocolTCP, Port: config.TLSPort},
	}
	clients := []string{naming.ComponentMigrate}
	for _, c := range t.Components {
		clients = append(clients, c.Name)
	}
	if t.Purpose == v1alpha1.PurposeDrill {
		clients = append(clients, naming.ComponentCheck)
		edges = append(edges, Edge{From: Endpoint{Component: naming.ComponentCheck}, To: web, Protocol: corev1.ProtocolTCP, Port: config.TLSPort})
	}
	for _, name := range append(clients, naming.ComponentBackup, naming.ComponentRestore) {
		edges = append(edges, databaseEdge(t, name))
	}
	// Each run has an edge of its own to the locations that it uses, which comes and goes with it.
	for _, run := range []string{naming.ComponentBackup, naming.ComponentRestore} {
		edges = append(edges, Edge{From: outside(operator(n)), To: Endpoint{Component: run}, Protocol: corev1.ProtocolTCP, Port: backup.ProgressPort})
	}
	// Quarantine cuts off people and integrations, and nothing else.
	if t.State == v1alpha1.StateQuarantined {
		return edges
	}
	// Nobody but its checks has any business in a drill.
	if n.Ingress != nil && !t.Closed && t.Purpose != v1alpha1.PurposeDrill {
		edges = append(edges, Edge{From: outside(*n.Ingress), To: web, Protocol: corev1.ProtocolTCP, Port: config.TLSPort})
	}
	for _, i := range t.Integrations {
		for _, c := range t.Components {
			edges = append(edges, Edge{
				From: Endpoint{Component: c.Name}, To: outside(settings.Peer{CIDR: i.CIDR}), Protocol: corev1.ProtocolTCP, Port: i.Port,
			})
		}
	}
	return edges
}

func databaseEdge(t *target.Target, component string) Edge {
	e := Edge{
		From: Endpoint{Component: component}, To: Endpoint{Component: naming.ComponentDatabase},
		Protocol: corev1.ProtocolTCP, Port: config.DatabasePort,
	}
	if x := t.Database.External; x != nil {
		e.To = outside(settings.Peer{CIDR: x.CIDR})
		if x.Port != nil {
			e.Port = *x.Port
		}
	}
	return e
}

func operator(n settings.Network) settings.Peer {
	return settings.Peer{Namespace: n.OperatorNamespace, PodLabels: map[string]string{"app.kubernetes.io/name": "crmkeep"}}
}

func outside(p settings.Peer) Endpoint { return Endpoint{Outside: &p} }
