package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// Tenant folds a pass over a tenant into its new status.
func Tenant(tenant *v1alpha1.CRMTenant, environments int, applied error, now metav1.Time) v1alpha1.CRMTenantStatus {
	s, w := tenantStatus(tenant, environments, now)
	s.Namespace = naming.HomeNamespace(tenant.Name)
	w.set(condition{kind: v1alpha1.ConditionNamespaceReady, err: applied})
	w.ready(applied, v1alpha1.ReasonSucceeded)
	return *s
}

// TenantDeleting folds a step of the teardown into the status.
func TenantDeleting(tenant *v1alpha1.CRMTenant, environments int, err error, now metav1.Time) v1alpha1.CRMTenantStatus {
	s, w := tenantStatus(tenant, environments, now)
	w.ready(err, v1alpha1.ReasonDeleting)
	return *s
}

func tenantStatus(tenant *v1alpha1.CRMTenant, environments int, now metav1.Time) (*v1alpha1.CRMTenantStatus, writer) {
	s := tenant.Status.DeepCopy()
	n := int32(environments) //nolint:gosec // bounded by what a cluster holds
	s.ObservedGeneration, s.Environments = tenant.Generation, &n
	return s, writer{conditions: &s.Conditions, generation: tenant.Generation, now: now}
}
