package admission

import (
	"testing"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

func TestATeardownIsEndedByCrmkeepAlone(t *testing.T) {
	const refusal = "crmkeep takes its own finalizers away when the teardown is done"
	release := func(e *v1alpha1.CRMEnvironment) { e.Finalizers = []string{"example.com/other"} }
	check(t, []verdict{
		{
			name: "a tenant's admin cannot skip a teardown", user: tenantAdmin, refusal: refusal,
			request: edit(environment("ending"), release),
		},
		{
			name: "a cluster admin cannot skip a teardown", user: platform, refusal: refusal,
			request: edit(environment("ending"), release),
		},
		{name: "crmkeep ends a teardown", user: operator, request: edit(environment("ending"), release)},
		{name: "who may override skips a teardown", user: overrider, request: edit(environment("ending"), release)},
		{
			name: "a tenant's admin removes another finalizer", user: tenantAdmin,
			request: edit(environment("ending"), func(e *v1alpha1.CRMEnvironment) {
				e.Finalizers = []string{naming.FinalizerEnvironment}
			}),
		},
	})
}
