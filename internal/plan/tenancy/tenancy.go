// Package tenancy plans the namespaces of tenants and environments and what bounds them. It is pure.
package tenancy

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// ClusterRoles that the chart brings, for people in a home namespace.
const (
	RoleTenantAdmin   = "crmkeep-tenant-admin"
	RoleTenantAuditor = "crmkeep-tenant-auditor"
)

// Names of what bounds a namespace.
const (
	quotaName      = "crmkeep"
	limitRangeName = "crmkeep"
)

// homeConfigMaps bounds what a tenant's admins could fill etcd with, were they given the right to write ConfigMaps.
const homeConfigMaps = "100"

// Home plans a tenant's home namespace: people write there, and nothing runs there.
func Home(t *v1alpha1.CRMTenant) []object.Object {
	name := naming.HomeNamespace(t.Name)
	return []object.Object{
		{Configuration: namespace(name, t.Name, "", naming.NamespaceHome)},
		{Configuration: homeQuota(t, name)},
		{Configuration: roleBinding(t, name, RoleTenantAdmin, t.Spec.Admins)},
		{Configuration: roleBinding(t, name, RoleTenantAuditor, t.Spec.Auditors)},
	}
}

// Workload plans an environment's namespace and its bounds.
func Workload(t *target.Target) []object.Object {
	return []object.Object{
		{Configuration: namespace(t.Namespace, t.Tenant, t.Environment, naming.NamespaceWorkload)},
		{Configuration: corev1ac.ResourceQuota(quotaName, t.Namespace).
			WithLabels(object.Labels(t.Tenant, t.Environment)).
			WithSpec(corev1ac.ResourceQuotaSpec().WithHard(corev1.ResourceList{
				// Nothing of an environment is reachable from outside but through the ingress.
				corev1.ResourceServicesNodePorts:     resource.MustParse("0"),
				corev1.ResourceServicesLoadBalancers: resource.MustParse("0"),
				corev1.ResourcePods:                  podQuota(t),
			}))},
		{Configuration: corev1ac.LimitRange(limitRangeName, t.Namespace).
			WithLabels(object.Labels(t.Tenant, t.Environment)).
			WithSpec(corev1ac.LimitRangeSpec().WithLimits(corev1ac.LimitRangeItem().
				WithType(corev1.LimitTypeContainer).
				WithDefaultRequest(corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("64Mi"),
				}).
				WithDefault(corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")})))},
	}
}

// podQuota has room for every pod twice, as in a rolling update, and for jobs.
func podQuota(t *target.Target) resource.Quantity {
	const jobs = 10
	pods := int64(1)
	for _, c := range t.Components {
		pods += int64(c.Replicas)
	}
	return *resource.NewQuantity(2*pods+jobs, resource.DecimalSI)
}

// namespace carries no owner reference: losing a CRMTenant or a CRD must never take data along.
func namespace(name, tenant, environment, kind string) *corev1ac.NamespaceApplyConfiguration {
	labels := object.Labels(tenant, environment)
	labels[naming.LabelNamespace] = kind
	for _, mode := range []string{"enforce", "audit", "warn"} {
		labels["pod-security.kubernetes.io/"+mode] = "restricted"
	}
	return corev1ac.Namespace(name).WithLabels(labels)
}

func homeQuota(t *v1alpha1.CRMTenant, namespace string) *corev1ac.ResourceQuotaApplyConfiguration {
	hard := corev1.ResourceList{
		corev1.ResourcePods:                   resource.MustParse("0"),
		corev1.ResourceServices:               resource.MustParse("0"),
		corev1.ResourcePersistentVolumeClaims: resource.MustParse("0"),
		corev1.ResourceConfigMaps:             resource.MustParse(homeConfigMaps),
	}
	if l := t.Spec.Limits; l != nil && l.Environments != nil {
		hard["count/crmenvironments."+naming.Group] = *resource.NewQuantity(int64(*l.Environments), resource.DecimalSI)
	}
	return corev1ac.ResourceQuota(quotaName, namespace).
		WithLabels(object.Labels(t.Name, "")).WithSpec(corev1ac.ResourceQuotaSpec().WithHard(hard))
}

func roleBinding(t *v1alpha1.CRMTenant, namespace, role string, subjects []v1alpha1.Subject) *rbacv1ac.RoleBindingApplyConfiguration {
	b := rbacv1ac.RoleBinding(role, namespace).
		WithLabels(object.Labels(t.Name, "")).
		WithRoleRef(rbacv1ac.RoleRef().WithAPIGroup("rbac.authorization.k8s.io").WithKind("ClusterRole").WithName(role))
	for _, s := range subjects {
		b.WithSubjects(rbacv1ac.Subject().WithAPIGroup("rbac.authorization.k8s.io").WithKind(s.Kind).WithName(s.Name))
	}
	return b
}
