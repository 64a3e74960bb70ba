package admission

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

func TestShippedRolesGrantNoMoreThanTheirWork(t *testing.T) {
	const forbidden = "is forbidden: User"
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "new", Namespace: home}}
	resize := func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Large" }
	check(t, []verdict{
		{name: "a tenant's admin cannot write Secrets", user: tenantAdmin, refusal: forbidden, request: creation(secret)},
		{
			name: "a tenant's admin cannot start a Deployment at home", user: tenantAdmin, refusal: forbidden,
			request: creation(deployment(home, nil)),
		},
		{
			name: "a tenant's admin cannot enter a workload namespace", user: tenantAdmin, refusal: forbidden,
			request: deletion(pod()),
		},
		{
			name: "a tenant's admin cannot touch a tenant", user: tenantAdmin, refusal: forbidden,
			request: deletion(&v1alpha1.CRMTenant{ObjectMeta: metav1.ObjectMeta{Name: "acme"}}),
		},
		{
			name: "a tenant's auditor cannot edit an environment", user: tenantAuditor, refusal: forbidden,
			request: edit(environment("plain"), resize),
		},
		{name: "an approver cannot delete an environment", user: approver, refusal: forbidden, request: deletion(environment("plain"))},
		{name: "a tenant's admin edits an environment", user: tenantAdmin, request: edit(environment("plain"), resize)},
		{name: "a tenant's admin deletes an environment", user: tenantAdmin, request: deletion(environment("plain"))},
	})
}
