package controllers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

func refusedIsKeptUp(t *testing.T, in *installation) {
	p := in.protected(t, "unbent", func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.unbent.example" })
	env := p.env
	before := in.versions(t, env)
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Version = "9.9"
		e.Spec.Integrations = []v1alpha1.Integration{{Name: "mail", CIDR: "203.0.113.8/29", Port: 587}}
	})
	in.comesTo(t, env, "Stalled VersionUnknown")

	in.putsPoliciesBack(t, env)
	assert.True(t, in.letsIn(t, env, "ingress"))
	assert.Empty(t, in.letsOut(t, env, "203.0.113.8/29"), "what is refused is not brought about")
	assert.Equal(t, before, in.versions(t, env))
	p.done(t, "meanwhile")
	p.nothingIsLeft(t)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateQuarantined })
	in.comesTo(t, env, "Stalled VersionUnknown")
	in.gone(t, &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: workloadNamespace(env), Name: "web"}})
	assert.False(t, in.letsIn(t, env, "ingress"), "people are kept out whatever else is declared")
	assert.Equal(t, v1alpha1.StateQuarantined, env.Status.State)
	assert.Equal(t, before, in.versions(t, env))

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.until(t, "nothing runs", func() error {
		left := in.pods(t, env)
		return mustBe(len(left) == 0, "%v", left)
	})
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version, e.Spec.State = "", "" })
	in.comesTo(t, env, "True Succeeded")
	assert.NotEmpty(t, in.letsOut(t, env, "203.0.113.8/29"))
}

func unapprovedIsKeptUp(t *testing.T, in *installation) {
	tenant := in.tenant(t, "awaiting")
	env := in.ready(t, "awaiting", "prod")
	before := in.versions(t, env)
	edit(t, in, tenant, func(t *v1alpha1.CRMTenant) {
		t.Spec.Approvals = &v1alpha1.TenantApprovals{Purposes: []v1alpha1.Purpose{env.Spec.Purpose}}
	})
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Medium" })
	in.comesTo(t, env, "Reconciling ApprovalRequired")

	in.putsPoliciesBack(t, env)
	in.comesTo(t, env, "Reconciling ApprovalRequired")
	assert.Equal(t, before, in.versions(t, env), "it has the size that was let in")
}

func environmentsOutliveTheirClass(t *testing.T, in *installation) {
	class := build.Class(func(c *v1alpha1.CRMClass) { c.Name = "fleeting" })
	in.create(t, class)
	in.tenant(t, "faithful")
	env := in.ready(t, "faithful", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "fleeting" })
	before := in.versions(t, env)

	good := class.Spec.Files[0].Template
	edit(t, in, class, func(c *v1alpha1.CRMClass) { c.Spec.Files[0].Template = "${environment.ulr}" })
	in.comesTo(t, env, "Reconciling ClassInvalid")
	assert.Contains(t, message(env, v1alpha1.ConditionReady), `CRMClass "fleeting" must be mended by the platform`)
	in.putsPoliciesBack(t, env)
	edit(t, in, class, func(c *v1alpha1.CRMClass) { c.Spec.Files[0].Template = good })
	in.comesTo(t, env, "True Succeeded")

	require.NoError(t, in.Delete(t.Context(), class))
	in.comesTo(t, env, "Reconciling ClassNotFound")
	in.putsPoliciesBack(t, env)
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: workloadNamespace(env), Name: "web"}}
	edit(t, in, web, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "crmkeep.local/other:1" })
	in.until(t, "the image is put back", func() error {
		image := in.image(t, env, "web")
		return mustBe(image == "crmkeep.local/demo:2.0", "%s", image)
	})
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateQuarantined })
	in.until(t, "people are kept out", func() error { return mustBe(!in.letsIn(t, env, "ingress"), "they come in") })

	// One of the same name is another class, and counts from now on.
	in.create(t, build.Class(func(c *v1alpha1.CRMClass) { c.Name = "fleeting" }))
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = "" })
	in.comesTo(t, env, "True Succeeded")
	assert.Equal(t, before["StatefulSet database"], in.versions(t, env)["StatefulSet database"])
}

func stateIsNoNewDemand(t *testing.T, in *installation) {
	tenant := in.tenant(t, "dwindled")
	env := in.ready(t, "dwindled", "prod")
	edit(t, in, tenant, func(t *v1alpha1.CRMTenant) {
		t.Spec.Limits = &v1alpha1.TenantLimits{CPU: build.Pointer(resource.MustParse("1m"))}
	})
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateQuarantined })
	in.comesTo(t, env, "True Quarantined")
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State, e.Spec.Size = "", "Medium" })
	in.comesTo(t, env, "Reconciling LimitExceeded")
}

// putsPoliciesBack deletes all network policies of an environment and waits until each is there again.
func (in *installation) putsPoliciesBack(t *testing.T, env *v1alpha1.CRMEnvironment) {
	t.Helper()
	want := in.policies(t, env)
	require.NotEmpty(t, want)
	require.NoError(t, in.DeleteAllOf(t.Context(), &networkingv1.NetworkPolicy{}, client.InNamespace(workloadNamespace(env))))
	in.until(t, "the network policies are put back", func() error {
		have := in.policies(t, env)
		return mustBe(len(have) == len(want), "%v", have)
	})
	assert.ElementsMatch(t, want, in.policies(t, env))
}
