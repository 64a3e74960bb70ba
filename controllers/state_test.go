package controllers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/controlplane"
)

// clings is a finalizer of the tests' own: what has it stays until it is taken off.
const clings = "crmkeep.io/test-clings"

func nothingBeforeApproval(t *testing.T, in *installation) {
	in.tenant(t, "careful", func(t *v1alpha1.CRMTenant) {
		t.Spec.Approvals = &v1alpha1.TenantApprovals{Purposes: []v1alpha1.Purpose{v1alpha1.PurposeProduction}}
	})
	approve := func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Approval = &v1alpha1.Approval{By: "boss@careful.example", Request: e.Status.Approval.Request}
	}
	env := in.environment(t, "careful", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction })
	in.comesTo(t, env, "Reconciling ApprovalRequired")
	in.nothingMade(t, env)
	assert.Contains(t, message(env, v1alpha1.ConditionApproved), env.Status.Approval.Request)

	edit(t, in, env, approve)
	in.comesTo(t, env, "True Succeeded")
	before := in.versions(t, env)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Medium" })
	in.comesTo(t, env, "Reconciling ApprovalRequired")
	assert.Contains(t, message(env, v1alpha1.ConditionApproved), "has changed since boss@careful.example approved it")
	assert.Equal(t, before, in.versions(t, env), "what runs is not disturbed")

	edit(t, in, env, approve)
	in.comesTo(t, env, "True Succeeded")
	assert.NotEqual(t, before, in.versions(t, env))

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.comesTo(t, env, "True Suspended") // What needs no new approval.
}

func suspendAndResume(t *testing.T, in *installation) {
	in.tenant(t, "sleepy")
	env := in.ready(t, "sleepy", "prod")
	claims := in.claims(t, env)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.comesTo(t, env, "True Suspended")
	assert.Empty(t, in.pods(t, env))
	assert.Equal(t, claims, in.claims(t, env))
	assert.Equal(t, v1alpha1.StateSuspended, env.Status.State)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateRunning })
	in.comesTo(t, env, "True Succeeded")
	assert.ElementsMatch(t, []string{"database", "queue", "web"}, in.pods(t, env))
	assert.Equal(t, claims, in.claims(t, env))
}

func quarantineCutsPeopleOff(t *testing.T, in *installation) {
	const mail = "203.0.113.8/29"
	p := in.protected(t, "suspect", func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Hostname = "crm.suspect.example"
		e.Spec.Integrations = []v1alpha1.Integration{{Name: "mail", CIDR: mail, Port: 587}}
	})
	env := p.env
	before := in.versions(t, env)
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: workloadNamespace(env), Name: "web"}}
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(ingress), ingress))
	assert.True(t, in.letsIn(t, env, "ingress"))
	assert.Equal(t, []string{"component-queue", "component-web"}, in.letsOut(t, env, mail))

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateQuarantined })
	in.comesTo(t, env, "True Quarantined")
	in.gone(t, ingress)
	assert.False(t, in.letsIn(t, env, "ingress"))
	assert.True(t, in.letsIn(t, env, operatorNamespace))
	assert.Empty(t, in.letsOut(t, env, mail))
	assert.Equal(t, before, in.versions(t, env), "not a pod is restarted")
	p.done(t, "evidence") // Its data stays within reach of backups.
	p.nothingIsLeft(t)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = "" })
	in.comesTo(t, env, "True Succeeded")
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(ingress), ingress))
	assert.True(t, in.letsIn(t, env, "ingress"))
	assert.Equal(t, []string{"component-queue", "component-web"}, in.letsOut(t, env, mail))
	assert.Equal(t, before, in.versions(t, env))
}

// letsIn tells whether the web component takes connections from a namespace.
func (in *installation) letsIn(t *testing.T, env *v1alpha1.CRMEnvironment, namespace string) bool {
	t.Helper()
	var policy networkingv1.NetworkPolicy
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: workloadNamespace(env), Name: "component-web"}, &policy))
	for _, rule := range policy.Spec.Ingress {
		for _, from := range rule.From {
			if from.NamespaceSelector != nil && from.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] == namespace {
				return true
			}
		}
	}
	return false
}

// letsOut names the policies by which pods may connect to a range of addresses.
func (in *installation) letsOut(t *testing.T, env *v1alpha1.CRMEnvironment, cidr string) []string {
	t.Helper()
	var list networkingv1.NetworkPolicyList
	require.NoError(t, in.List(t.Context(), &list, client.InNamespace(workloadNamespace(env))))
	var names []string
	for _, policy := range list.Items {
		for _, rule := range policy.Spec.Egress {
			for _, to := range rule.To {
				if to.IPBlock != nil && to.IPBlock.CIDR == cidr {
					names = append(names, policy.Name)
				}
			}
		}
	}
	return names
}

func newVersionStopsMigratesStarts(t *testing.T, in *installation) {
	in.tenant(t, "modern")
	env := in.ready(t, "modern", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "1.0" })
	database := in.versions(t, env)["StatefulSet database"]

	// A pod that takes its time to end still writes to the database.
	var pods corev1.PodList
	require.NoError(t, in.List(t.Context(), &pods, client.InNamespace(workloadNamespace(env)), client.MatchingLabels{naming.LabelComponent: "queue"}))
	require.Len(t, pods.Items, 1)
	pod := &pods.Items[0]
	edit(t, in, pod, func(p *corev1.Pod) { p.Finalizers = []string{clings} })

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "2.0" })
	in.until(t, "the others have stopped", func() error {
		left := in.pods(t, env)
		return mustBe(len(left) == 2, "%v", left)
	})
	in.comesTo(t, env, "Reconciling Stopping")
	assert.ElementsMatch(t, []string{"database", "queue"}, in.pods(t, env), "the migration waits")
	assert.Equal(t, "crmkeep.local/demo:1.0", in.image(t, env, "web"))
	assert.Equal(t, "1.0", env.Status.Version)

	edit(t, in, pod, func(p *corev1.Pod) { p.Finalizers = nil })
	in.comesTo(t, env, "True Succeeded")
	assert.Equal(t, "2.0", env.Status.Version)
	assert.Equal(t, "crmkeep.local/demo:2.0", in.image(t, env, "web"))
	assert.Equal(t, database, in.versions(t, env)["StatefulSet database"], "the database is not restarted")
	in.until(t, "the job is cleared away", func() error { return mustBe(len(in.jobs(t, env)) == 0, "it is there") })
}

func failedMigrationCanBeGoneBackOn(t *testing.T, in *installation) {
	in.create(t, build.Class(func(c *v1alpha1.CRMClass) {
		c.Name = "broken"
		c.Spec.Versions[1].Image += controlplane.Fails
		c.Spec.DefaultVersion = "1.0"
	}))
	in.tenant(t, "bold")
	env := in.ready(t, "bold", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "broken" })
	assert.Equal(t, "1.0", env.Status.Version)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "2.0" })
	in.comesTo(t, env, "Stalled MigrationFailed")
	assert.Contains(t, message(env, v1alpha1.ConditionMigrated), `Set spec.version to "1.0" to go back`)
	assert.Equal(t, []string{"database"}, in.pods(t, env), "no application runs on a database that may be half-migrated")
	assert.Equal(t, "1.0", env.Status.Version)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "1.0" })
	in.comesTo(t, env, "True Succeeded")
	assert.Equal(t, "crmkeep.local/demo:1.0", in.image(t, env, "web"))
}

func suspendingWaitsForAMigration(t *testing.T, in *installation) {
	class := build.Class(func(c *v1alpha1.CRMClass) {
		c.Name = "slow"
		c.Spec.Versions[1].Image += controlplane.Hangs
		c.Spec.DefaultVersion = "1.0"
	})
	in.create(t, class)
	in.tenant(t, "hasty")
	env := in.ready(t, "hasty", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "slow" })
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "2.0" })
	in.comesTo(t, env, "Reconciling MigrationRunning")
	jobs := in.jobs(t, env)
	require.Len(t, jobs, 1)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.comesTo(t, env, "Reconciling Stopping")
	assert.Equal(t, jobs, in.jobs(t, env))
	assert.ElementsMatch(t, []string{"database", "migrate"}, in.pods(t, env))

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State, e.Spec.Version = "", "1.0" })
	in.comesTo(t, env, "True Succeeded") // Cancelled.
	assert.ElementsMatch(t, []string{"database", "queue", "web"}, in.pods(t, env))
}

func (in *installation) image(t *testing.T, env *v1alpha1.CRMEnvironment, component string) string {
	t.Helper()
	var d appsv1.Deployment
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: workloadNamespace(env), Name: component}, &d))
	return d.Spec.Template.Spec.Containers[0].Image
}

// pods are those that have not finished, by component.
func (in *installation) pods(t *testing.T, env *v1alpha1.CRMEnvironment) []string {
	t.Helper()
	var pods corev1.PodList
	require.NoError(t, in.List(t.Context(), &pods, client.InNamespace(workloadNamespace(env))))
	var components []string
	for _, p := range pods.Items {
		if p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			components = append(components, p.Labels[naming.LabelComponent])
		}
	}
	return components
}

func (in *installation) jobs(t *testing.T, env *v1alpha1.CRMEnvironment) map[string]string {
	t.Helper()
	var jobs batchv1.JobList
	require.NoError(t, in.List(t.Context(), &jobs, client.InNamespace(workloadNamespace(env))))
	found := map[string]string{}
	for _, j := range jobs.Items {
		if j.DeletionTimestamp == nil {
			found[j.Name] = string(j.UID)
		}
	}
	return found
}

// claims are the volumes with data.
func (in *installation) claims(t *testing.T, env *v1alpha1.CRMEnvironment) map[string]string {
	t.Helper()
	var claims corev1.PersistentVolumeClaimList
	require.NoError(t, in.List(t.Context(), &claims, client.InNamespace(workloadNamespace(env))))
	found := map[string]string{}
	for _, c := range claims.Items {
		if c.DeletionTimestamp == nil {
			found[c.Name] = string(c.UID)
		}
	}
	return found
}
