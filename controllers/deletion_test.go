package controllers_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
	"github.com/crmkeep/crmkeep/internal/vault"
)

func production(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction }

func retainedIsTakenUpAgain(t *testing.T, in *installation) {
	in.tenant(t, "keeper")
	env := in.ready(t, "keeper", "prod", production)
	claims := in.claims(t, env)
	require.Len(t, claims, 2)

	require.NoError(t, in.Delete(t.Context(), env))
	in.gone(t, env)
	assert.Equal(t, claims, in.claims(t, env))
	assert.Empty(t, in.pods(t, env))
	var services corev1.ServiceList
	require.NoError(t, in.List(t.Context(), &services, client.InNamespace(workloadNamespace(env))))
	assert.Empty(t, services.Items)
	assert.Equal(t, []string{"default-deny"}, in.policies(t, env))
	state := in.inVault(t, env)
	assert.Empty(t, state.Stale, "nobody can log in any more")
	assert.NotNil(t, state.EncryptionKey)
	assert.NotNil(t, state.DataKey)

	again := in.ready(t, "keeper", "prod", production)
	assert.NotEqual(t, env.UID, again.UID)
	assert.Equal(t, claims, in.claims(t, again))
	assert.EqualValues(t, 1, again.Status.Encryption.KeyVersion, "with the same key")
}

// retainedStaysInItsDatabase makes environments again with the other kind of database than what was retained of them is in.
func retainedStaysInItsDatabase(t *testing.T, in *installation) {
	in.tenant(t, "mover")
	outside := func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{Host: "pg.mover.example", CIDR: "192.0.2.0/28"}}
	}
	inside := func(*v1alpha1.CRMEnvironment) {}
	for name, c := range map[string]struct {
		was, becomes func(*v1alpha1.CRMEnvironment)
	}{
		"inside":  {was: inside, becomes: outside},
		"outside": {was: outside, becomes: inside},
	} {
		env := in.ready(t, "mover", name, production, c.was)
		claims := in.claims(t, env)
		require.NoError(t, in.Delete(t.Context(), env))
		in.gone(t, env)

		other := in.environment(t, "mover", name, production, c.becomes)
		in.comesTo(t, other, "Stalled DataElsewhere")
		assert.Contains(t, message(other, v1alpha1.ConditionReady), "spec.database: the data that was retained of an environment of this name is in a database "+name+" the cluster")
		require.NoError(t, in.Delete(t.Context(), other))
		in.gone(t, other)
		assert.Equal(t, claims, in.claims(t, env))

		again := in.ready(t, "mover", name, production, c.was)
		assert.Equal(t, claims, in.claims(t, again))
	}
}

func deleteLeavesTheKeys(t *testing.T, in *installation) {
	in.tenant(t, "tidy")
	env := in.ready(t, "tidy", "test")
	require.NoError(t, in.Delete(t.Context(), env))
	require.NoError(t, client.IgnoreNotFound(in.Delete(t.Context(), env)), "deleting twice is no different")
	in.gone(t, env)
	in.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workloadNamespace(env)}})
	state := in.inVault(t, env)
	assert.NotNil(t, state.EncryptionKey, "backups stay readable")
	assert.NotNil(t, state.DataKey)
	assert.Empty(t, state.Stale)
}

func shredLeavesACertificate(t *testing.T, in *installation) {
	tenant := in.tenant(t, "secret")
	env := in.ready(t, "secret", "prod", production, func(e *v1alpha1.CRMEnvironment) {
		e.Spec.DeletionPolicy = v1alpha1.DeletionShred
		e.Spec.Shred = &v1alpha1.ShredSpec{HoldSeconds: build.Pointer[int64](3)}
	})
	in.takenApartInOrder(t, env)

	state := in.inVault(t, env)
	assert.Nil(t, state.EncryptionKey)
	assert.Nil(t, state.DataKey)
	assert.NotNil(t, state.EvidenceKey)

	var stored corev1.ConfigMap
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: env.Namespace, Name: teardown.CertificateName(env)}, &stored))
	assert.True(t, *stored.Immutable)
	var certificate evidence.Certificate
	require.NoError(t, json.Unmarshal([]byte(stored.Data["certificate.json"]), &certificate))
	statement, err := certificate.Verify()
	require.NoError(t, err)
	assert.Equal(t, "secret", statement.Tenant)
	assert.Equal(t, "prod", statement.Environment)
	assert.Equal(t, string(env.UID), statement.UID)
	assert.Equal(t, "Wei Zhang", statement.Owner)
	assert.EqualValues(t, 1, statement.KeyVersions)
	requested, err := time.Parse(time.RFC3339, statement.RequestedAt)
	require.NoError(t, err)
	destroyed, err := time.Parse(time.RFC3339, statement.DestroyedAt)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, destroyed.Sub(requested), 3*time.Second, "the hold was waited out")

	require.NoError(t, in.Delete(t.Context(), tenant))
	in.gone(t, tenant)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(&stored), &stored), "evidence outlives the tenant")
}

// takenApartInOrder deletes an environment that is to be shredded, and looks at each step while something clings to what it waits for: pods
// end first, then logins and keys go, and the namespace goes last.
func (in *installation) takenApartInOrder(t *testing.T, env *v1alpha1.CRMEnvironment) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workloadNamespace(env)}}
	var pods corev1.PodList
	require.NoError(t, in.List(t.Context(), &pods, client.InNamespace(namespace.Name), client.MatchingLabels{naming.LabelComponent: "web"}))
	require.Len(t, pods.Items, 1)
	pod := &pods.Items[0]
	edit(t, in, pod, func(p *corev1.Pod) { p.Finalizers = []string{clings} })
	kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "somebodys", Finalizers: []string{clings}}}
	in.create(t, kept)

	require.NoError(t, in.Delete(t.Context(), env))
	in.until(t, "the other pods have ended", func() error {
		in.comesTo(t, env, "Reconciling Stopping")
		said := message(env, v1alpha1.ConditionReady)
		return mustBe(said == "waiting for 1 pods to end", "%s", said)
	})
	state := in.inVault(t, env)
	assert.NotEmpty(t, state.Stale, "logins outlive the pods")
	assert.NotNil(t, state.EncryptionKey)
	assert.Contains(t, in.policies(t, env), "default-deny", "what still runs is isolated")

	edit(t, in, pod, func(p *corev1.Pod) { p.Finalizers = nil })
	in.comesTo(t, env, "Reconciling Deleting")
	assert.Equal(t, "waiting for namespace "+namespace.Name+" and its volumes to be gone", message(env, v1alpha1.ConditionReady))
	state = in.inVault(t, env)
	assert.Empty(t, state.Stale)
	assert.Nil(t, state.EncryptionKey, "keys are destroyed before the volumes are deleted")
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: env.Namespace, Name: teardown.CertificateName(env)}, &corev1.ConfigMap{}))
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace))
	assert.NotNil(t, namespace.DeletionTimestamp)

	edit(t, in, kept, func(c *corev1.ConfigMap) { c.Finalizers = nil })
	in.gone(t, env)
	in.gone(t, namespace)
}

func holdCanBeUsed(t *testing.T, in *installation) {
	in.tenant(t, "regretful")
	env := in.ready(t, "regretful", "prod", func(e *v1alpha1.CRMEnvironment) {
		e.Spec.DeletionPolicy = v1alpha1.DeletionShred
		e.Spec.Shred = &v1alpha1.ShredSpec{HoldSeconds: build.Pointer[int64](3600)}
	})
	claims := in.claims(t, env)
	require.NoError(t, in.Delete(t.Context(), env))
	in.comesTo(t, env, "Reconciling ShredHold")
	assert.Contains(t, message(env, v1alpha1.ConditionReady), "set spec.deletionPolicy to Retain to keep the data")
	assert.Empty(t, in.pods(t, env))
	assert.Empty(t, in.inVault(t, env).Stale, "logins go at once")
	assert.NotNil(t, in.inVault(t, env).EncryptionKey, "the key waits")
	var namespace corev1.Namespace
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Name: workloadNamespace(env)}, &namespace))
	assert.Nil(t, namespace.DeletionTimestamp, "and the volumes")

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.DeletionPolicy, e.Spec.Shred = v1alpha1.DeletionRetain, nil })
	in.gone(t, env)
	assert.Equal(t, claims, in.claims(t, env))
	assert.NotNil(t, in.inVault(t, env).EncryptionKey)
}

func deletedWhileMade(t *testing.T, in *installation) {
	in.tenant(t, "fickle")
	for _, name := range []string{"a", "b", "c", "d"} {
		env := in.environment(t, "fickle", name)
		in.until(t, "something is made", func() error {
			var deployments appsv1.StatefulSetList
			if name == "a" {
				return nil // At once.
			}
			if name == "b" {
				return in.Get(t.Context(), client.ObjectKey{Name: workloadNamespace(env)}, &corev1.Namespace{})
			}
			if err := in.List(t.Context(), &deployments, client.InNamespace(workloadNamespace(env))); err != nil {
				return err
			}
			return mustBe(len(deployments.Items) > 0, "no database yet")
		})
		require.NoError(t, in.Delete(t.Context(), env))
		in.gone(t, env)
		in.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workloadNamespace(env)}})
		assert.Empty(t, in.inVault(t, env).Stale)
	}
}

func neverLetInTakesNothing(t *testing.T, in *installation) {
	in.tenant(t, "lucky")
	env := in.ready(t, "lucky", "prod", production)
	claims := in.claims(t, env)
	require.NoError(t, in.Delete(t.Context(), env))
	in.gone(t, env)

	// It has the name of what was retained, and would delete it were it let in.
	env = in.environment(t, "lucky", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "9.9" })
	in.comesTo(t, env, "Stalled VersionUnknown")
	require.NoError(t, in.Delete(t.Context(), env))
	in.gone(t, env)
	assert.Equal(t, claims, in.claims(t, env))
}

func deletingAHomeRetains(t *testing.T, in *installation) {
	tenant := in.tenant(t, "careless")
	env := in.ready(t, "careless", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.DeletionPolicy = v1alpha1.DeletionShred })
	claims := in.claims(t, env)
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: env.Namespace}}
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(home), home))
	uid := home.UID
	require.NoError(t, in.Delete(t.Context(), home))
	in.gone(t, env)
	assert.Equal(t, claims, in.claims(t, env), "nobody has asked for the data to be destroyed")
	assert.NotNil(t, in.inVault(t, env).EncryptionKey)

	in.until(t, "the home is made anew", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(home), home); err != nil {
			return err
		}
		return mustBe(home.UID != uid, "it is still the old one")
	})
	in.until(t, "the tenant is ready again", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(tenant), tenant); err != nil {
			return err
		}
		return statuscheck.Is(tenant.Generation, tenant.Status.ObservedGeneration, tenant.Status.Conditions, "True Succeeded")
	})
	env = in.ready(t, "careless", "prod")
	assert.Equal(t, claims, in.claims(t, env))
}

func tenantStaysWithEnvironments(t *testing.T, in *installation) {
	tenant := in.tenant(t, "loyal")
	env := in.ready(t, "loyal", "prod")
	before := in.versions(t, env)
	require.NoError(t, in.Delete(t.Context(), tenant))
	in.until(t, "the tenant says what keeps it", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(tenant), tenant); err != nil {
			return err
		}
		return statuscheck.Is(tenant.Generation, tenant.Status.ObservedGeneration, tenant.Status.Conditions, "Reconciling EnvironmentsExist")
	})
	assert.Contains(t, statuscheck.Describe(tenant.Status.Conditions), "prod. Delete them in namespace crm-loyal")
	assert.Equal(t, before, in.versions(t, env))

	require.NoError(t, in.Delete(t.Context(), env))
	in.gone(t, env)
	in.gone(t, tenant)
	in.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: naming.HomeNamespace("loyal")}})
}

func sandboxEnds(t *testing.T, in *installation) {
	in.tenant(t, "brief")
	sandbox := func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Purpose, e.Spec.TTLSeconds = v1alpha1.PurposeSandbox, build.Pointer[int64](60)
	}
	valid := in.environment(t, "brief", "valid", sandbox)
	in.until(t, "it says when it ends", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(valid), valid); err != nil {
			return err
		}
		return mustBe(valid.Status.ExpiresAt != nil, "%s", statuscheck.Describe(valid.Status.Conditions))
	})
	assert.Equal(t, valid.CreationTimestamp.Add(time.Minute), valid.Status.ExpiresAt.Time)
	invalid := in.environment(t, "brief", "invalid", sandbox, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "9.9" })
	in.comesTo(t, invalid, "Stalled VersionUnknown")
	in.gone(t, valid)
	in.gone(t, invalid)
	in.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workloadNamespace(valid)}})
	assert.GreaterOrEqual(t, time.Since(valid.CreationTimestamp.Time), time.Minute)
}

func driftIsPutBack(t *testing.T, in *installation) {
	in.tenant(t, "stubborn")
	env := in.ready(t, "stubborn", "prod")
	namespace := workloadNamespace(env)
	for sentence, c := range map[string]struct {
		object client.Object
		spoil  func(client.Object) error
		holds  func(client.Object) bool
	}{
		"a policy that was deleted": {
			object: &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "default-deny"}},
			spoil:  func(o client.Object) error { return in.Delete(t.Context(), o) },
			holds:  func(client.Object) bool { return true },
		},
		"a policy that was opened": {
			object: &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "component-database"}},
			spoil: func(o client.Object) error {
				o.(*networkingv1.NetworkPolicy).Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
				return in.Update(t.Context(), o)
			},
			holds: func(o client.Object) bool { return len(o.(*networkingv1.NetworkPolicy).Spec.Ingress) > 1 },
		},
		"a Deployment that was scaled": {
			object: &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "queue"}},
			spoil: func(o client.Object) error {
				o.(*appsv1.Deployment).Spec.Replicas = build.Pointer[int32](0)
				return in.Update(t.Context(), o)
			},
			holds: func(o client.Object) bool { return *o.(*appsv1.Deployment).Spec.Replicas == 1 },
		},
		"a Service that lost our labels": {
			object: &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}},
			spoil: func(o client.Object) error {
				o.SetLabels(nil)
				return in.Update(t.Context(), o)
			},
			holds: func(o client.Object) bool { return o.GetLabels()[naming.LabelTenant] == "stubborn" },
		},
		"a ConfigMap that was edited": {
			object: &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "agent-web"}},
			spoil: func(o client.Object) error {
				o.(*corev1.ConfigMap).Data["agent.yaml"] = "vault: {}"
				return in.Update(t.Context(), o)
			},
			holds: func(o client.Object) bool {
				return strings.Contains(o.(*corev1.ConfigMap).Data["agent.yaml"], "signPath")
			},
		},
		"a ServiceAccount that was given a token": {
			object: &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "web"}},
			spoil: func(o client.Object) error {
				o.(*corev1.ServiceAccount).AutomountServiceAccountToken = build.Pointer(true)
				return in.Update(t.Context(), o)
			},
			holds: func(o client.Object) bool { return !*o.(*corev1.ServiceAccount).AutomountServiceAccountToken },
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			c.object.SetNamespace(namespace)
			require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(c.object), c.object))
			writes := in.writesIn(namespace)
			require.NoError(t, c.spoil(c.object))
			in.until(t, "it is put back", func() error {
				if err := in.Get(t.Context(), client.ObjectKeyFromObject(c.object), c.object); err != nil {
					return err
				}
				return mustBe(c.holds(c.object), "it is not")
			})
			in.comesTo(t, env, "True Succeeded")
			assert.Equal(t, writes+1, in.writesIn(namespace))
		})
	}
}

// writesIn counts what the operator wrote in a namespace. What the API server refuses is no write.
func (in *installation) writesIn(namespace string) int {
	n := 0
	for _, w := range in.recorder.Writes() {
		if w.Status < http.StatusBadRequest && strings.Contains(w.Path+"/", "/namespaces/"+namespace+"/") {
			n++
		}
	}
	return n
}

func (in *installation) policies(t *testing.T, env *v1alpha1.CRMEnvironment) []string {
	t.Helper()
	var list networkingv1.NetworkPolicyList
	require.NoError(t, in.List(t.Context(), &list, client.InNamespace(workloadNamespace(env))))
	var names []string
	for _, p := range list.Items {
		names = append(names, p.Name)
	}
	return names
}

// inVault is what an environment has there; every role counts as stale.
func (in *installation) inVault(t *testing.T, env *v1alpha1.CRMEnvironment) vault.State {
	t.Helper()
	tenant, _ := naming.TenantOfHome(env.Namespace)
	gone := teardown.Environment{Tenant: tenant, Name: env.Name, Namespace: workloadNamespace(env), Settings: in.settings}
	state, err := in.keys.Observe(t.Context(), gone.Layout())
	require.NoError(t, err)
	return state
}
