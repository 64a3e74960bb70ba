package admission

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

func opened(e *v1alpha1.CRMEnvironment, by string) *v1alpha1.CRMEnvironment {
	e.Spec.BreakGlass = &v1alpha1.BreakGlass{
		By: by, Reason: "ticket 4711: nobody can log in", ExpiresAt: metav1.NewTime(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)),
	}
	return e
}

func TestTheGlassIsBrokenOnlyByWhoMayAndInTheirOwnName(t *testing.T) {
	const needsVerb = `only who has the verb "breakglass"`
	const needsOwnName = "must be the name of the user who sets it"
	openBy := func(by string) func(*v1alpha1.CRMEnvironment) {
		return func(e *v1alpha1.CRMEnvironment) { opened(e, by) }
	}
	prolong := func(e *v1alpha1.CRMEnvironment) {
		e.Spec.BreakGlass.ExpiresAt = metav1.NewTime(e.Spec.BreakGlass.ExpiresAt.Add(time.Hour))
	}
	check(t, []verdict{
		{
			name: "a tenant's admin cannot break the glass", user: tenantAdmin, refusal: needsVerb,
			request: patch(environment("plain"), openBy(tenantAdmin)),
		},
		{
			name: "a tenant's admin cannot break the glass in the name of somebody who may", user: tenantAdmin, refusal: needsVerb,
			request: patch(environment("plain"), openBy(opener)),
		},
		{
			name: "a tenant's admin cannot create an environment with broken glass", user: tenantAdmin, refusal: needsVerb,
			request: creation(opened(environment("new"), tenantAdmin)),
		},
		{
			name: "a tenant's admin cannot prolong what somebody else has opened", user: tenantAdmin, refusal: needsVerb,
			request: patch(environment("opened"), prolong),
		},
		{name: "an approver cannot break the glass", user: approver, refusal: needsVerb, request: patch(environment("plain"), openBy(approver))},
		{
			name: "who may override cannot break the glass by that", user: overrider, refusal: needsVerb,
			request: edit(environment("plain"), openBy(overrider)),
		},
		{
			name: "nobody breaks the glass in another's name", user: opener, refusal: needsOwnName,
			request: patch(environment("plain"), openBy("somebody@else.example")),
		},
		{
			name: "nobody prolongs what stands in another's name", user: secondOpener, refusal: needsOwnName,
			request: patch(environment("opened"), prolong),
		},
		{
			name: "who breaks the glass cannot approve", user: opener, refusal: `only who has the verb "approve"`,
			request: patch(environment("plain"), func(e *v1alpha1.CRMEnvironment) { approved(e, opener) }),
		},
		{name: "who may break the glass does", user: opener, request: patch(environment("plain"), openBy(opener))},
		{name: "who has opened prolongs", user: opener, request: patch(environment("opened"), prolong)},
		{
			name: "another who may takes it over", user: secondOpener,
			request: patch(environment("opened"), openBy(secondOpener)),
		},
		{
			name: "a tenant's admin edits an environment with broken glass", user: tenantAdmin,
			request: edit(environment("opened"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Large" }),
		},
		{
			name: "a tenant's admin locks the administrator out again", user: tenantAdmin,
			request: edit(environment("opened"), func(e *v1alpha1.CRMEnvironment) { e.Spec.BreakGlass = nil }),
		},
	})
}
