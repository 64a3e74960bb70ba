package admission

import (
	"testing"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

func TestOnlyAnApproverApproves(t *testing.T) {
	const needsVerb = `only who has the verb "approve"`
	const needsOwnName = "must be the name of the user who sets it"
	approve := func(by string) func(*v1alpha1.CRMEnvironment) {
		return func(e *v1alpha1.CRMEnvironment) { approved(e, by) }
	}
	check(t, []verdict{
		{
			name: "a tenant's admin cannot approve", user: tenantAdmin, refusal: needsVerb,
			request: edit(environment("plain"), approve(tenantAdmin)),
		},
		{
			name: "a tenant's admin cannot create an approved environment", user: tenantAdmin, refusal: needsVerb,
			request: creation(approved(environment("new"), tenantAdmin)),
		},
		{
			name: "a tenant's admin cannot take an approval over to another request", user: tenantAdmin, refusal: needsVerb,
			request: edit(environment("approved"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Approval.Request = "abcdef0123" }),
		},
		{
			name: "an approver cannot approve in another's name", user: approver, refusal: needsOwnName,
			request: edit(environment("plain"), approve("somebody@else.example")),
		},
		{
			name: "an approver approves", user: approver,
			request: edit(environment("plain"), approve(approver)),
		},
		{
			name: "a tenant's admin edits an approved environment", user: tenantAdmin,
			request: edit(environment("approved"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Large" }),
		},
		{
			name: "a tenant's admin takes an approval back", user: tenantAdmin,
			request: edit(environment("approved"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Approval = nil }),
		},
		{
			name: "a tenant's admin creates an environment", user: tenantAdmin,
			request: creation(environment("new")),
		},
	})
}
