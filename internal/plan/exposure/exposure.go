// Package exposure plans how people reach an environment by its host name. It is pure.
package exposure

import (
	networkingv1 "k8s.io/api/networking/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// servicePort of the Web component.
const servicePort int32 = 443

// Routes plans an Ingress or an HTTPRoute, as the settings say and the cluster can. Quarantine and suspension take them away.
func Routes(t *target.Target, httpRoutes bool) []object.Object {
	if t.Hostname == "" || t.State != v1alpha1.StateRunning {
		return nil
	}
	var objects []object.Object
	if i := t.Settings.Exposure.Ingress; i != nil {
		objects = append(objects, object.Object{Configuration: ingress(t, i)})
	}
	if g := t.Settings.Exposure.Gateway; g != nil && httpRoutes {
		objects = append(objects, object.Object{Configuration: httpRoute(t, g)})
	}
	return objects
}

func ingress(t *target.Target, e *settings.IngressExposure) *networkingv1ac.IngressApplyConfiguration {
	web := t.WebComponent().Name
	backend := networkingv1ac.IngressBackend().WithService(networkingv1ac.IngressServiceBackend().
		WithName(web).WithPort(networkingv1ac.ServiceBackendPort().WithNumber(servicePort)))
	return networkingv1ac.Ingress(web, t.Namespace).
		WithLabels(object.Labels(t.Tenant, t.Environment)).
		WithAnnotations(e.Annotations).
		WithSpec(networkingv1ac.IngressSpec().
			WithIngressClassName(e.ClassName).
			WithTLS(networkingv1ac.IngressTLS().WithHosts(t.Hostname)).
			WithRules(networkingv1ac.IngressRule().WithHost(t.Hostname).WithHTTP(networkingv1ac.HTTPIngressRuleValue().
				WithPaths(networkingv1ac.HTTPIngressPath().WithPath("/").WithPathType(networkingv1.PathTypePrefix).WithBackend(backend)))))
}

// HTTPRoute is the part of gateway.networking.k8s.io/v1 that is declared here. The Gateway API's own module would bring its
// whole client for these few fields. What the API server would fill in is declared, too, so that what it keeps is what was sent.
type HTTPRoute struct {
	metav1ac.TypeMetaApplyConfiguration    `json:",inline"`
	*metav1ac.ObjectMetaApplyConfiguration `json:"metadata"`
	Spec                                   HTTPRouteSpec `json:"spec"`
}

// IsApplyConfiguration marks the type.
func (HTTPRoute) IsApplyConfiguration() {}

// HTTPRouteSpec is the spec of an HTTPRoute.
type HTTPRouteSpec struct {
	ParentRefs []ParentReference `json:"parentRefs"`
	Hostnames  []string          `json:"hostnames"`
	Rules      []HTTPRouteRule   `json:"rules"`
}

// ParentReference names a Gateway.
type ParentReference struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// HTTPRouteRule sends everything to a Service.
type HTTPRouteRule struct {
	Matches     []HTTPRouteMatch   `json:"matches"`
	BackendRefs []BackendReference `json:"backendRefs"`
}

// HTTPRouteMatch chooses requests by their path.
type HTTPRouteMatch struct {
	Path HTTPPathMatch `json:"path"`
}

// HTTPPathMatch compares a path.
type HTTPPathMatch struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// BackendReference names a Service's port.
type BackendReference struct {
	Group  string `json:"group"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Port   int32  `json:"port"`
	Weight int32  `json:"weight"`
}

func httpRoute(t *target.Target, g *settings.GatewayExposure) HTTPRoute {
	web := t.WebComponent().Name
	meta := metav1ac.ObjectMeta().WithName(web).WithNamespace(t.Namespace).WithLabels(object.Labels(t.Tenant, t.Environment))
	return HTTPRoute{
		TypeMetaApplyConfiguration:   *metav1ac.TypeMeta().WithAPIVersion("gateway.networking.k8s.io/v1").WithKind("HTTPRoute"),
		ObjectMetaApplyConfiguration: meta,
		Spec: HTTPRouteSpec{
			ParentRefs: []ParentReference{{Group: "gateway.networking.k8s.io", Kind: "Gateway", Name: g.Name, Namespace: g.Namespace}},
			Hostnames:  []string{t.Hostname},
			Rules: []HTTPRouteRule{{
				Matches:     []HTTPRouteMatch{{Path: HTTPPathMatch{Type: "PathPrefix", Value: "/"}}},
				BackendRefs: []BackendReference{{Kind: "Service", Name: web, Port: servicePort, Weight: 1}},
			}},
		},
	}
}
