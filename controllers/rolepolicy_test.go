package controllers_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// governable makes a class like governed for a test that changes it.
func (in *installation) governable(t *testing.T, name string, change ...func(*v1alpha1.CRMClass)) *v1alpha1.CRMClass {
	t.Helper()
	class := governed()
	class.Name = name
	for _, c := range change {
		c(class)
	}
	in.create(t, class)
	return class
}

// ofClass is an environment of that class. Nobody has made the adapter's account in its CRM, so no role ever holds there unless a test says so.
func ofClass(name string) func(*v1alpha1.CRMEnvironment) {
	return func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = name }
}

// govern declares a policy of a tenant's environment prod.
func (in *installation) govern(t *testing.T, tenant, name string, change ...func(*v1alpha1.CRMRolePolicy)) *v1alpha1.CRMRolePolicy {
	t.Helper()
	p := rolePolicy(build.Environment(tenant, "prod"), name, li)
	for _, c := range change {
		c(p)
	}
	in.create(t, p)
	return p
}

// policyComesTo waits until a policy's newest declaration has come to that summary, and gives the message of Ready.
func (in *installation) policyComesTo(t *testing.T, p *v1alpha1.CRMRolePolicy, want string) string {
	t.Helper()
	in.until(t, "policy "+p.Namespace+"/"+p.Name+" comes to "+want, func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(p), p); err != nil {
			return err
		}
		return statuscheck.Is(p.Generation, p.Status.ObservedGeneration, p.Status.Conditions, want)
	})
	return meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionReady).Message
}

// says writes into an environment's status.access what the controller of access would.
func says(t *testing.T, in *installation, env *v1alpha1.CRMEnvironment, change func(*v1alpha1.AccessStatus)) {
	t.Helper()
	in.until(t, "status.access is written", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(env), env); err != nil {
			return err
		}
		if env.Status.Access == nil {
			env.Status.Access = &v1alpha1.AccessStatus{}
		}
		change(env.Status.Access)
		return in.Status().Update(t.Context(), env)
	})
}

func rolesHold(a *v1alpha1.AccessStatus) { a.ClosedSince = nil }

// staysClosed waits until an environment runs again and checks that nobody is let in until the roles hold.
func (in *installation) staysClosed(t *testing.T, env *v1alpha1.CRMEnvironment) {
	t.Helper()
	in.comesTo(t, env, "Reconciling RolesPending")
	assert.ElementsMatch(t, []string{"database", "queue", "web"}, in.pods(t, env))
	assert.NotNil(t, env.Status.Access.ClosedSince)
	assert.False(t, in.letsIn(t, env, "ingress"))
	assert.True(t, in.letsIn(t, env, operatorNamespace), "or nobody could bring the roles")

	says(t, in, env, rolesHold)
	in.comesTo(t, env, "True Succeeded")
	in.until(t, "people are let in", func() error { return mustBe(in.letsIn(t, env, "ingress"), "they are not") })
	assert.Nil(t, env.Status.Access.ClosedSince)
}

func wrongPolicyIsRefused(t *testing.T, in *installation) {
	in.tenant(t, "misguided")
	class := in.governable(t, "misguided")
	in.ready(t, "misguided", "prod", ofClass(class.Name))
	p := in.govern(t, "misguided", "sales", func(p *v1alpha1.CRMRolePolicy) { p.Spec.Roles[0].Rules[0].Objects = []string{"contcat"} })
	message := in.policyComesTo(t, p, "Stalled PolicyRefused")
	assert.Contains(t, message, `environment prod: spec.roles[0].rules[0].objects: "contcat" is not in the catalogue`)
	assert.Contains(t, message, `did you mean "contact"?`)
	require.Len(t, p.Status.Environments, 1)
	assert.Equal(t, v1alpha1.AccessRefused, p.Status.Environments[0].State)

	// The class is what is wrong.
	edit(t, in, class, func(c *v1alpha1.CRMClass) { c.Spec.Objects[0].Name = "contcat" })
	in.until(t, "the policy is refused no more", func() error {
		err := in.Get(t.Context(), client.ObjectKeyFromObject(p), p)
		return mustBe(err == nil && len(p.Status.Environments) == 1 && p.Status.Environments[0].State == v1alpha1.AccessPending, "%v", p.Status.Environments)
	})
}

func policyWaitsForItsEnvironment(t *testing.T, in *installation) {
	in.tenant(t, "impatient")
	p := in.govern(t, "impatient", "sales")
	assert.Contains(t, in.policyComesTo(t, p, "Reconciling EnvironmentNotFound"), "CRMEnvironment prod does not exist in namespace crm-impatient")

	env := in.environment(t, "impatient", "prod", ofClass(governedClass))
	in.until(t, "the environment is waited for no more", func() error {
		err := in.Get(t.Context(), client.ObjectKeyFromObject(p), p)
		ready := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionReady)
		return mustBe(err == nil && ready.Reason != v1alpha1.ReasonEnvironmentNotFound, "%s", ready.Reason)
	})
	in.comesTo(t, env, "True Succeeded")
	assert.True(t, in.letsIn(t, env, "ingress"), "nobody has ever been in a new CRM")
}

func policyIsMendedByAnExpiry(t *testing.T, in *installation) {
	in.tenant(t, "lenient")
	in.ready(t, "lenient", "prod", ofClass(governedClass))
	for _, name := range []string{"first", "second"} {
		in.govern(t, "lenient", name, func(p *v1alpha1.CRMRolePolicy) {
			p.Spec.Roles[0].Name, p.Spec.Bindings[0].Role = name, name
			p.Spec.Bindings[0].ExpiresAt = &metav1.Time{Time: time.Now().Add(20 * time.Second)}
		})
	}
	// Both duties together are nobody's.
	p := in.govern(t, "lenient", "duties", func(p *v1alpha1.CRMRolePolicy) {
		p.Spec.Roles = []v1alpha1.Role{{Name: "first"}, {Name: "second"}}
		p.Spec.Bindings = nil
		p.Spec.Separation = []v1alpha1.SeparationOfDuties{{Name: "both", Roles: []string{"first", "second"}}}
	})
	assert.Contains(t, in.policyComesTo(t, p, "Stalled PolicyRefused"), "li.na")
	in.until(t, "what the bindings gave has expired", func() error {
		err := in.Get(t.Context(), client.ObjectKeyFromObject(p), p)
		return mustBe(err == nil && p.Status.Environments[0].State != v1alpha1.AccessRefused, "%v", p.Status.Environments)
	})
}

func governedComesBackClosed(t *testing.T, in *installation) {
	in.tenant(t, "guarded")
	env := in.ready(t, "guarded", "prod", ofClass(governedClass))
	p := in.govern(t, "guarded", "sales")
	in.until(t, "the policy is seen", func() error {
		err := in.Get(t.Context(), client.ObjectKeyFromObject(p), p)
		return mustBe(err == nil && len(p.Status.Environments) == 1, "%v", p.Status)
	})
	in.comesTo(t, env, "True Succeeded")
	assert.True(t, in.letsIn(t, env, "ingress"), "a first policy on a CRM that runs closes nothing")

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.until(t, "something stops", func() error {
		left := in.pods(t, env)
		return mustBe(len(left) < 3, "%v", left)
	})
	assert.False(t, in.letsIn(t, env, "ingress"), "it was closed before anything has stopped")
	in.comesTo(t, env, "True Suspended")

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateRunning })
	in.staysClosed(t, env)
}

func policyThatComesWhileAllRests(t *testing.T, in *installation) {
	in.tenant(t, "resting")
	env := in.ready(t, "resting", "prod", ofClass(governedClass))
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.comesTo(t, env, "True Suspended")
	assert.True(t, in.letsIn(t, env, "ingress"))

	in.govern(t, "resting", "sales")
	in.until(t, "people are kept out", func() error { return mustBe(!in.letsIn(t, env, "ingress"), "they are not") })
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateRunning })
	in.staysClosed(t, env)
}

func ungovernedIsNeverClosed(t *testing.T, in *installation) {
	in.tenant(t, "unbound")
	class := in.governable(t, "unbound", func(c *v1alpha1.CRMClass) {
		c.Spec.Adapter, c.Spec.Files = "", c.Spec.Files[:len(c.Spec.Files)-1]
	})
	of := map[string]*v1alpha1.CRMEnvironment{
		"no policy names it":       in.ready(t, "unbound", "prod", ofClass(governedClass)),
		"its class has no adapter": in.ready(t, "unbound", "test", ofClass(class.Name)),
	}
	p := in.govern(t, "unbound", "sales", func(p *v1alpha1.CRMRolePolicy) { p.Spec.Environments = []string{"test"} })
	in.policyComesTo(t, p, "Reconciling NoAdapter")
	require.Len(t, p.Status.NotEnforced, 1)
	assert.Contains(t, p.Status.NotEnforced[0].Reason, "has no adapter")
	assert.Equal(t, []v1alpha1.PolicyRoleStatus{{Name: "rep", State: v1alpha1.RuleNotEnforceable, NotEnforced: 1}}, p.Status.Roles)
	for why, env := range of {
		edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
		in.comesTo(t, env, "True Suspended")
		edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateRunning })
		in.comesTo(t, env, "True Succeeded")
		assert.True(t, in.letsIn(t, env, "ingress"), why)
		assert.True(t, env.Status.Access == nil || env.Status.Access.ClosedSince == nil, why)
	}
}

func restoreClosesFirst(t *testing.T, in *installation) {
	p := in.protected(t, "reverting", ofClass(governedClass))
	in.govern(t, "reverting", "sales")
	p.done(t, "good")
	assert.True(t, in.letsIn(t, p.env, "ingress"))

	r := p.restore(t, "back", "good")
	p.run(t, "restore.back")
	assert.False(t, in.letsIn(t, p.env, "ingress"), "it was closed before the data is replaced")
	p.tells(t, "restore.back", 0, restored)
	in.restoreComesTo(t, r, v1alpha1.PhaseComplete, "True Succeeded")
	in.staysClosed(t, p.env)
}

func retainedIsTakenUpClosed(t *testing.T, in *installation) {
	in.tenant(t, "reborn")
	class := ofClass(governedClass)
	in.govern(t, "reborn", "sales")
	retain := func(e *v1alpha1.CRMEnvironment) { e.Spec.DeletionPolicy = v1alpha1.DeletionRetain }
	env := in.ready(t, "reborn", "prod", class, retain)
	require.NoError(t, in.Delete(t.Context(), env))
	in.gone(t, env)

	in.staysClosed(t, in.environment(t, "reborn", "prod", class, retain))
}

func classSaysWhatIsMissing(t *testing.T, in *installation) {
	in.tenant(t, "sparse")
	class := in.governable(t, "sparse")
	env := in.ready(t, "sparse", "prod", ofClass(class.Name))
	matches := func(want string) {
		in.until(t, "the class says "+want, func() error {
			if err := in.Get(t.Context(), client.ObjectKeyFromObject(class), class); err != nil {
				return err
			}
			got := ""
			if c := meta.FindStatusCondition(class.Status.Conditions, v1alpha1.ConditionCatalogueMatches); c != nil {
				got = fmt.Sprintf("%s %s", c.Status, c.Message)
			}
			return mustBe(got == want, "%q", got)
		})
	}
	lacks := func(names ...string) {
		says(t, in, env, func(a *v1alpha1.AccessStatus) {
			a.Catalogue, a.UnknownNames = fmt.Sprintf("sparse/1/%s", env.Status.Version), names
		})
	}
	lacks("party.party.contact_mechanisms")
	matches("False spec.objects: the CRMs of 1 environment do not have party.party.contact_mechanisms; correct the names, or have the modules installed that have them. " +
		"The class's events, and the condition RolesEnforced of the environments, tell where")
	in.until(t, "an event names the environment", func() error {
		var list eventsv1.EventList
		err := in.List(t.Context(), &list, client.InNamespace(metav1.NamespaceDefault))
		return mustBe(err == nil && slices.ContainsFunc(list.Items, func(e eventsv1.Event) bool {
			return e.Regarding.Name == class.Name && e.Reason == v1alpha1.ReasonCatalogueMismatch &&
				e.Note == "crm-sparse/prod (2.0) lacks party.party.contact_mechanisms"
		}), "%d events", len(list.Items))
	})
	lacks()
	matches("True ")
	require.NoError(t, in.Delete(t.Context(), env))
	in.gone(t, env)
	matches("")
}
