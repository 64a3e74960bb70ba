package controllers_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

// Each of these stories counts, kills or takes something away from everybody, so they have the installation to themselves in turn.
func TestAloneInAnInstallation(t *testing.T) {
	in := install(t)
	for _, story := range []struct {
		sentence string
		tell     func(*testing.T, *installation)
	}{
		{"provisioning writes each object once", provisioningWritesEachObjectOnce},
		{"nothing to do costs no request", nothingToDoCostsNoRequest},
		{"a restart writes nothing", restartWritesNothing},
		{"looking at one of each kind again costs no request", lookingAgainCostsNoRequest},
		{"a Vault that is sealed is waited for and takes nothing down", sealedIsWaitedFor},
		{"a Vault that is away is waited for", vaultThatIsAwayIsWaitedFor},
		{"a backup outlives its operators", backupOutlivesItsOperators},
		{"a drill outlives its operators", drillOutlivesItsOperators},
		{"role policies outlive their operators", rolePoliciesOutliveTheirOperators},
		{"leavers wait for a sealed Vault", leaversWaitForASealedVault},
		{"deleting the kinds retains every tenant's data", deletingTheKindsRetains},
	} {
		t.Run(story.sentence, func(t *testing.T) { story.tell(t, in) })
	}
}

// statusWrites is the budget: two for each of claim, database, migration, start of the application and its two components.
const statusWrites = 12

func provisioningWritesEachObjectOnce(t *testing.T, in *installation) {
	in.operate(t)
	in.tenant(t, "counted")
	in.settle(t)
	in.recorder.Reset()
	before := reconciles(t)
	env := in.ready(t, "counted", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.counted.example" })
	in.settle(t)

	objects, statuses, refused := map[string]int{}, 0, 0
	for _, w := range in.recorder.Writes() {
		switch {
		case w.Status == http.StatusConflict:
			refused++ // A pass that saw an older version loses, and changes nothing.
		case w.Status >= http.StatusBadRequest:
			t.Errorf("%s", w)
		case strings.HasSuffix(w.Path, "/status"):
			statuses++
		case !strings.HasSuffix(w.Path, "/events") && !strings.Contains(w.Path, "/crmenvironments/"):
			objects[w.Method+" "+w.Path]++
		}
	}
	assert.LessOrEqual(t, refused, len(objects)/4)
	for object, n := range objects {
		assert.Equal(t, 1, n, object)
	}
	assert.LessOrEqual(t, statuses, statusWrites)
	passes := reconciles(t) - before
	assert.LessOrEqual(t, passes, 2*len(objects))
	measure(t, in.recorder.Requests(), len(objects), passes)
	assert.Len(t, in.versions(t, env), 5)
}

// measure prints what an environment costs. It is for docs/explanation/scale.md.
func measure(t *testing.T, requests []apitest.Request, objects, passes int) {
	t.Helper()
	kinds := map[string]int{}
	for _, r := range requests {
		switch {
		case r.Method == http.MethodGet:
			kinds["reads"]++
		case strings.HasSuffix(r.Path, "/status"):
			kinds["writes of status"]++
		case strings.HasSuffix(r.Path, "/events"):
			kinds["events"]++
		default:
			kinds["writes of objects ("+r.Method+")"]++
		}
	}
	t.Logf("one environment of %d objects: %d reconciles, %d requests: %v", objects, passes, len(requests), kinds)
}

func nothingToDoCostsNoRequest(t *testing.T, in *installation) {
	in.operate(t)
	in.tenant(t, "quiet")
	env := in.ready(t, "quiet", "prod")
	in.settle(t)
	before := reconciles(t)
	in.recorder.Reset()

	var pods corev1.PodList
	require.NoError(t, in.List(t.Context(), &pods, client.InNamespace(workloadNamespace(env))))
	edit(t, in, &pods.Items[0], func(p *corev1.Pod) { p.Annotations = map[string]string{"touched": "yes"} })
	in.until(t, "the environment is looked at", func() error { return mustBe(reconciles(t) > before, "not yet") })
	in.settle(t)
	assert.Empty(t, in.recorder.Requests())
}

func restartWritesNothing(t *testing.T, in *installation) {
	stop := in.operate(t)
	in.tenant(t, "calm")
	for i := range 3 {
		in.ready(t, "calm", fmt.Sprintf("e%d", i))
	}
	in.settle(t)
	stop()

	before := reconciles(t)
	in.operate(t)
	in.until(t, "every environment was looked at", func() error { return mustBe(reconciles(t) >= before+3, "not yet") })
	in.settle(t)
	assert.Empty(t, in.recorder.Writes())
}

// everyController is in the names that controller-runtime gives them.
var everyController = []string{
	"crmtenant", "crmclass", "crmenvironment", "access", "crmrolepolicy", "crmbackuplocation", "crmbackupschedule", "crmbackup", "crmrestore",
}

// lookingAgainCostsNoRequest has one of each kind as declared, and has all of them looked at again, which a new operator does. Then each
// declaration is edited that can be without changing anything: that costs the write which says that it was seen.
func lookingAgainCostsNoRequest(t *testing.T, in *installation) {
	idle := atWork(t)
	stop := in.operate(t)
	k := in.keep(t, "governed")
	policy := k.policy(t, "sales", li)
	k.roles(t, "True Succeeded")
	in.policyComesTo(t, policy, "True Succeeded")
	p := in.protected(t, "saved")
	p.done(t, "first")
	p.comesBack(t, p.restore(t, "back", "first"))
	schedule := p.schedule(t, "yearly", func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Schedule = "0 0 1 1 *" })
	in.scheduleComesTo(t, schedule, "True Succeeded")
	in.rest(t, idle)
	stop()

	_, stop = in.looksAgain(t) // The CRM tells its certificate, which did not answer yet when its environment was made.
	stop()
	idle, _ = in.looksAgain(t)
	assert.Empty(t, in.costs(), "buckets are tried out and CRMs are called, which asks nothing of the API server")

	location := &v1alpha1.CRMBackupLocation{ObjectMeta: metav1.ObjectMeta{Name: p.locations[0]}}
	for path, change := range map[string]func(){
		"crmtenants/saved": func() {
			edit(t, in, build.Tenant("saved"), func(t *v1alpha1.CRMTenant) { t.Spec.Owner.Name = "Li Na" })
		},
		"crmclasses/" + build.ClassName: func() { edit(t, in, build.Class(), func(c *v1alpha1.CRMClass) { c.Spec.DisplayName = "Demo" }) },
		"crmbackuplocations/" + location.Name: func() {
			edit(t, in, location, func(l *v1alpha1.CRMBackupLocation) { l.Spec.Addressing = "Path" })
		},
		"namespaces/" + schedule.Namespace + "/crmbackupschedules/" + schedule.Name: func() {
			edit(t, in, schedule, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.HistoryLimit = build.Pointer[int32](10) })
		},
	} {
		in.recorder.Reset()
		change()
		in.until(t, path+" is looked at", func() error { return mustBe(len(in.recorder.Writes()) > 0, "not yet") })
		in.rest(t, idle)
		assert.Equal(t, []string{"PATCH /apis/crmkeep.io/v1alpha1/" + path + "/status 200"}, in.costs(), path)
	}
	in.policySeenCosts(t, policy, idle)
}

// policySeenCosts edits a policy to what it meant before. Who enforces it is told, so the environment's status says which generation is in
// the CRM, and the policy's then says that it is.
func (in *installation) policySeenCosts(t *testing.T, policy *v1alpha1.CRMRolePolicy, idle map[string]int) {
	t.Helper()
	in.recorder.Reset()
	edit(t, in, policy, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Drift = "Revert" })
	in.policyComesTo(t, policy, "True Succeeded")
	in.rest(t, idle)
	home := "/apis/crmkeep.io/v1alpha1/namespaces/" + policy.Namespace
	costs := in.costs()
	assert.Subset(t, []string{
		"PATCH " + home + "/crmrolepolicies/" + policy.Name + "/status 200", "PATCH " + home + "/crmenvironments/prod/status 200",
		"POST /apis/events.k8s.io/v1/namespaces/" + policy.Namespace + "/events 201",
	}, costs)
	assert.LessOrEqual(t, len(costs), 4)
}

// comesBack ends a restore, and waits until nothing of it is to come.
func (p protected) comesBack(t *testing.T, r *v1alpha1.CRMRestore) {
	t.Helper()
	p.tells(t, "restore."+r.Name, 0, restored)
	p.restoreComesTo(t, r, v1alpha1.PhaseComplete, "True Succeeded")
	edit(t, p.installation, r, func(r *v1alpha1.CRMRestore) { r.Spec.Confirmation = "Confirmed" })
	p.tells(t, "drop."+r.Name, 0, "{}")
	p.until(t, "the application runs again and nothing is kept", func() error {
		err := p.Get(t.Context(), client.ObjectKeyFromObject(r), r)
		return mustBe(err == nil && slices.Contains(stages(r), "Start") && r.Status.KeptUntil == nil, "%v %v", r.Status.Stages, r.Status.KeptUntil)
	})
	p.nothingIsLeft(t)
}

// looksAgain runs an operator until it has looked at everything and rests.
func (in *installation) looksAgain(t *testing.T) (idle map[string]int, stop func()) {
	t.Helper()
	idle = atWork(t)
	before := passes(t)
	stop = in.operate(t)
	in.until(t, "every controller has looked", func() error {
		for controller, n := range passes(t) {
			if n == before[controller] {
				return fmt.Errorf("%s has not", controller)
			}
		}
		return nil
	})
	in.rest(t, idle)
	return idle, stop
}

// costs are the requests since the recorder's last Reset but for what fills the caches and tells which kinds there are: lists and watches of
// a kind in all namespaces, and discovery.
func (in *installation) costs() []string {
	var costs []string
	for _, r := range in.recorder.Requests() {
		// As in /api/v1/pods and /apis/apps/v1/deployments.
		deepest := 3
		if strings.HasPrefix(r.Path, "/apis/") {
			deepest = 4
		}
		if r.Method != http.MethodGet || strings.Count(r.Path, "/") > deepest {
			costs = append(costs, r.String())
		}
	}
	return costs
}

// rest waits until no controller has anything to do, but for what queues of operators that were killed have left.
func (in *installation) rest(t *testing.T, idle map[string]int) {
	t.Helper()
	last, quiet := map[string]int(nil), 0
	in.until(t, "nothing is left to do", func() error {
		done := passes(t)
		delete(done, "access") // It looks at CRMs all the time.
		if quiet++; !maps.Equal(atWork(t), idle) || !maps.Equal(done, last) {
			last, quiet = done, 0
		}
		return mustBe(quiet >= enough, "%v at work", atWork(t))
	})
}

func atWork(t *testing.T) map[string]int { return ofEach(t, busyOf) }

func passes(t *testing.T) map[string]int { return ofEach(t, passesOf) }

func ofEach(t *testing.T, count func(*testing.T, string) int) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, controller := range everyController {
		counts[controller] = count(t, controller)
	}
	return counts
}

// sealedIsWaitedFor seals Vault after one environment was made, while another is, before a third, and while a fourth is deleted.
func sealedIsWaitedFor(t *testing.T, in *installation) {
	in.operate(t)
	in.tenant(t, "patient")
	after, deleted := in.ready(t, "patient", "after"), in.ready(t, "patient", "deleted")
	running := in.versions(t, after)
	during := in.environment(t, "patient", "during")
	in.until(t, "the namespace is made", func() error {
		return in.Get(t.Context(), client.ObjectKey{Name: workloadNamespace(during)}, &corev1.Namespace{})
	})
	store := s3test.Start(t, "backups")
	in.writeCredentials(t, "locations/sealed", whole(store))
	in.vault.Seal(t)

	before := in.environment(t, "patient", "before")
	in.comesTo(t, before, "Reconciling VaultSealed")
	assert.Contains(t, message(before, v1alpha1.ConditionKeysReady), "unseal it")
	assert.NotEmpty(t, in.policies(t, before), "the namespace is isolated already")
	assert.Empty(t, in.pods(t, before))
	assert.Empty(t, in.claims(t, before))

	require.NoError(t, in.Delete(t.Context(), deleted))
	in.comesTo(t, deleted, "Reconciling VaultSealed") // Its logins must go, so it is not let go before.

	edit(t, in, after, func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Encryption = &v1alpha1.EnvironmentEncryption{KeyRotationDays: build.Pointer[int32](7)}
	})
	in.comesTo(t, after, "Reconciling VaultSealed")
	assert.EqualValues(t, 1, after.Status.Encryption.KeyVersion, "what was known stays")
	l := in.location(t, "sealed", store)
	in.locationComesTo(t, l, "Reconciling VaultSealed")
	in.putsBackWhileSealed(t, after)
	assert.Equal(t, running["Deployment web"], in.versions(t, after)["Deployment web"])
	assert.Equal(t, running["StatefulSet database"], in.versions(t, after)["StatefulSet database"])

	in.vault.Unseal(t)
	for _, env := range []*v1alpha1.CRMEnvironment{before, during, after} {
		in.comesTo(t, env, "True Succeeded")
	}
	in.locationComesTo(t, l, "True Succeeded")
	in.gone(t, deleted)
}

func (in *installation) putsBackWhileSealed(t *testing.T, env *v1alpha1.CRMEnvironment) {
	t.Helper()
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: workloadNamespace(env), Name: "default-deny"}}
	require.NoError(t, in.Delete(t.Context(), policy))
	in.until(t, "the policy is put back", func() error { return in.Get(t.Context(), client.ObjectKeyFromObject(policy), policy) })
	queue := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: workloadNamespace(env), Name: "queue"}}
	edit(t, in, queue, func(d *appsv1.Deployment) { d.Spec.Replicas = build.Pointer[int32](0) })
	in.until(t, "the Deployment is put back", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(queue), queue); err != nil {
			return err
		}
		return mustBe(*queue.Spec.Replicas == 1, "it has no replica")
	})
}

func vaultThatIsAwayIsWaitedFor(t *testing.T, in *installation) {
	in.operate(t)
	in.tenant(t, "remote")
	in.vault.Stop(t)
	env := in.environment(t, "remote", "prod")
	in.comesTo(t, env, "Reconciling VaultUnreachable")
	in.vault.Restart(t)
	in.vault.Unseal(t)
	in.comesTo(t, env, "True Succeeded")
}

// enough is how often nothing must have changed.
const enough = 5

// settle waits until the controller of environments has nothing to do.
func (in *installation) settle(t *testing.T) {
	t.Helper()
	last, quiet := -1, 0
	in.until(t, "nothing is left to do", func() error {
		atWork, done := busy(t)-in.leftover, reconciles(t)
		if quiet++; atWork > 0 || done != last {
			last, quiet = done, 0
		}
		return mustBe(quiet >= enough, "%d at work", atWork)
	})
}

// busy counts what waits in queues or is being worked on.
func busy(t *testing.T) int { return busyOf(t, environments) }

func busyOf(t *testing.T, controller string) int {
	return metric(t, "workqueue_depth", controller) + metric(t, "controller_runtime_active_workers", controller)
}

// reconciles counts passes over environments by all managers so far.
func reconciles(t *testing.T) int { return passesOf(t, environments) }

func passesOf(t *testing.T, controller string) int {
	return metric(t, "controller_runtime_reconcile_total", controller)
}

const environments = "crmenvironment"

// metric sums up a metric of all controllers of that name in this process.
func metric(t *testing.T, name, controller string) int {
	t.Helper()
	families, err := metrics.Registry.Gather()
	require.NoError(t, err)
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if (l.GetName() == "controller" || l.GetName() == "name") && l.GetValue() == controller {
					sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	return int(sum)
}
