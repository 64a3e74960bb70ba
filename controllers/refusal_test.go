package controllers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/controlplane"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

func classIsWaitedFor(t *testing.T, in *installation) {
	in.tenant(t, "early")
	env := in.environment(t, "early", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "later" })
	in.comesTo(t, env, "Reconciling ClassNotFound")
	in.nothingMade(t, env)

	in.create(t, build.Class(func(c *v1alpha1.CRMClass) { c.Name = "later" }))
	in.comesTo(t, env, "True Succeeded")
}

func wrongClassIsWaitedFor(t *testing.T, in *installation) {
	class := build.Class(func(c *v1alpha1.CRMClass) {
		c.Name, c.Spec.Files[0].Template = "wrong", "${environment.ulr}"
	})
	in.create(t, class)
	in.until(t, "the class says what is wrong", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(class), class); err != nil {
			return err
		}
		return statuscheck.Is(class.Generation, class.Status.ObservedGeneration, class.Status.Conditions, "Stalled Invalid")
	})
	assert.Contains(t, statuscheck.Describe(class.Status.Conditions), "did you mean ${environment.url}?")

	in.tenant(t, "misled")
	env := in.environment(t, "misled", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "wrong" })
	in.comesTo(t, env, "Reconciling ClassInvalid")
	in.nothingMade(t, env)

	edit(t, in, class, func(c *v1alpha1.CRMClass) { c.Spec.Files[0].Template = "${environment.url}" })
	in.comesTo(t, env, "True Succeeded")
}

// classThatGoesDisturbsNothing spoils the class of an environment that runs, and then takes it away.
func classThatGoesDisturbsNothing(t *testing.T, in *installation) {
	class := build.Class(func(c *v1alpha1.CRMClass) { c.Name = "fading" })
	in.create(t, class)
	in.tenant(t, "steadfast")
	env := in.ready(t, "steadfast", "prod", func(e *v1alpha1.CRMEnvironment) {
		e.Spec.ClassRef.Name, e.Spec.Hostname = "fading", "crm.steadfast.example"
	})
	before := in.whatRuns(t, env)

	edit(t, in, class, func(c *v1alpha1.CRMClass) { c.Spec.Files[0].Template = "${environment.ulr}" })
	in.comesTo(t, env, "Reconciling ClassInvalid")
	said := message(env, v1alpha1.ConditionReady)
	assert.Contains(t, said, `spec.classRef: CRMClass "fading" must be mended by the platform: `+
		"spec.files[0].template: ${environment.ulr}: no such binding; did you mean ${environment.url}?")
	assert.Equal(t, before, in.whatRuns(t, env))

	require.NoError(t, in.Delete(t.Context(), class))
	in.comesTo(t, env, "Reconciling ClassNotFound")
	assert.Equal(t, `spec.classRef: CRMClass "fading" does not exist; see kubectl get crmclasses for those that do`, message(env, v1alpha1.ConditionReady))
	assert.Equal(t, before, in.whatRuns(t, env))
	assert.Equal(t, "https://crm.steadfast.example", env.Status.URL)

	in.create(t, build.Class(func(c *v1alpha1.CRMClass) { c.Name = "fading" }))
	in.comesTo(t, env, "True Succeeded")
	assert.Equal(t, before, in.whatRuns(t, env))
}

func badEditDisturbsNothing(t *testing.T, in *installation) {
	in.tenant(t, "steady")
	env := in.ready(t, "steady", "prod")
	before := in.whatRuns(t, env)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "9.9" })
	in.comesTo(t, env, "Stalled VersionUnknown")
	assert.Equal(t, `spec.version: class demo has no version "9.9"; it has [1.0 2.0]`, message(env, v1alpha1.ConditionReady))
	assert.Equal(t, before, in.whatRuns(t, env))
	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version, e.Spec.Size = "", "Large" })
	in.comesTo(t, env, "Stalled SizeUnknown")
	assert.Equal(t, "spec.size: class demo does not offer \"Large\"; it offers [Small Medium]", message(env, v1alpha1.ConditionReady))
	assert.Equal(t, before, in.whatRuns(t, env))
	assert.Equal(t, "2.0", env.Status.Version)

	edit(t, in, env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "" })
	in.comesTo(t, env, "True Succeeded")
	assert.Equal(t, before, in.whatRuns(t, env))
}

func invalidIsStalled(t *testing.T, in *installation) {
	in.tenant(t, "picky", func(t *v1alpha1.CRMTenant) {
		t.Spec.Limits = &v1alpha1.TenantLimits{
			Classes: []string{build.ClassName}, Purposes: []v1alpha1.Purpose{v1alpha1.PurposeTest, v1alpha1.PurposeStaging}}
		t.Spec.HostnameDomains = []string{"picky.example"}
	})
	for name, c := range map[string]struct {
		change func(*v1alpha1.CRMEnvironment)
		want   string
	}{
		"version":  {func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "9.9" }, "Stalled VersionUnknown"},
		"size":     {func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Large" }, "Stalled SizeUnknown"},
		"purpose":  {func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction }, "Stalled NotAllowed"},
		"hostname": {func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.other.example" }, "Stalled HostnameForbidden"},
		"database": {func(e *v1alpha1.CRMEnvironment) {
			e.Spec.Database = &v1alpha1.EnvironmentDatabase{CloudNativePG: &v1alpha1.CloudNativePGDatabase{Instances: 3}}
		}, "Stalled Unsupported"},
	} {
		env := in.environment(t, "picky", name, c.change)
		in.comesTo(t, env, c.want)
		in.nothingMade(t, env)
	}
	in.create(t, build.Class(func(c *v1alpha1.CRMClass) { c.Name = "unwanted" }))
	env := in.environment(t, "picky", "class", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "unwanted" })
	in.comesTo(t, env, "Stalled NotAllowed")
}

func takenHostnameIsWaitedFor(t *testing.T, in *installation) {
	in.tenant(t, "first")
	in.tenant(t, "second")
	hostname := func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.wanted.example" }
	older := in.ready(t, "second", "older")
	holder := in.ready(t, "first", "prod", hostname)
	ofOlder, ofHolder := in.whatRuns(t, older), in.whatRuns(t, holder)
	newer := in.environment(t, "second", "prod", hostname)
	in.comesTo(t, newer, "Reconciling HostnameTaken")
	assert.NotContains(t, statuscheck.Describe(newer.Status.Conditions), "first", "one tenant is not told about another")
	in.nothingMade(t, newer)

	url := older.Status.URL
	edit(t, in, older, hostname)
	in.comesTo(t, older, "Reconciling HostnameTaken")
	assert.Equal(t, `spec.hostname: "crm.wanted.example" belongs to another environment; choose another name, or have it given up there`,
		message(older, v1alpha1.ConditionReady))
	assert.Equal(t, ofOlder, in.whatRuns(t, older))
	assert.Equal(t, url, older.Status.URL)
	in.comesTo(t, holder, "True Succeeded")
	assert.Equal(t, ofHolder, in.whatRuns(t, holder))
	assert.Equal(t, "https://crm.wanted.example", holder.Status.URL)

	edit(t, in, older, func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "" })
	edit(t, in, holder, func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "other.wanted.example" })
	in.comesTo(t, holder, "True Succeeded")
	assert.NotEqual(t, ofHolder, in.whatRuns(t, holder), "another name is another declaration of what runs")
	in.comesTo(t, newer, "True Succeeded")
	assert.Equal(t, "https://crm.wanted.example", newer.Status.URL)

	require.NoError(t, in.Delete(t.Context(), newer))
	again := in.environment(t, "first", "again", hostname)
	in.comesTo(t, again, "True Succeeded")
}

func foreignNamespaceStaysUntouched(t *testing.T, in *installation) {
	in.tenant(t, "clash")
	foreign := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "crm-clash--prod", Labels: map[string]string{"team": "sales"}}}
	in.create(t, foreign)
	env := in.environment(t, "clash", "prod")
	in.comesTo(t, env, "Reconciling NameClash")
	assert.Contains(t, message(env, v1alpha1.ConditionNamespaceReady), "Namespace crm-clash--prod exists and is not crmkeep's. Rename or delete it")

	require.NoError(t, in.Delete(t.Context(), env))
	in.gone(t, env)
	after := &corev1.Namespace{}
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(foreign), after))
	assert.Equal(t, foreign.UID, after.UID)
	assert.Equal(t, "sales", after.Labels["team"])
	assert.NotContains(t, after.Labels, "crmkeep.io/tenant")
	assert.Nil(t, after.DeletionTimestamp)
	assert.Empty(t, in.versions(t, env), "nothing was made in it")
}

func foreignHomeStaysUntouched(t *testing.T, in *installation) {
	foreign := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "crm-squatted"}}
	in.create(t, foreign)
	tenant := build.Tenant("squatted")
	in.create(t, tenant)
	clashes := func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(tenant), tenant); err != nil {
			return err
		}
		return statuscheck.Is(tenant.Generation, tenant.Status.ObservedGeneration, tenant.Status.Conditions, "Reconciling NameClash")
	}
	in.until(t, "the tenant says that its home is somebody else's", clashes)
	require.NoError(t, in.Delete(t.Context(), tenant))
	in.gone(t, tenant)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(foreign), foreign))
	assert.Nil(t, foreign.DeletionTimestamp)
}

func limitsHoldBackTheNew(t *testing.T, in *installation) {
	cpu := func(milli string) func(*v1alpha1.CRMTenant) {
		return func(t *v1alpha1.CRMTenant) {
			t.Spec.Limits = &v1alpha1.TenantLimits{CPU: build.Pointer(resource.MustParse(milli))}
		}
	}
	tenant := in.tenant(t, "thrifty", cpu("500m"))
	first := in.ready(t, "thrifty", "first")
	second := in.environment(t, "thrifty", "second")
	in.comesTo(t, second, "Reconciling LimitExceeded")
	assert.Equal(t, "spec.size: with this environment tenant thrifty would use 600m of cpu and may use 500m; choose a smaller size, "+
		"or ask the platform to raise spec.limits.cpu", message(second, v1alpha1.ConditionReady))
	in.nothingMade(t, second)

	edit(t, in, first, func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Medium" })
	in.comesTo(t, first, "True Succeeded") // 500m
	edit(t, in, tenant, cpu("800m"))
	in.comesTo(t, second, "True Succeeded")

	edit(t, in, tenant, cpu("1m"))
	ofFirst, ofSecond := in.whatRuns(t, first), in.whatRuns(t, second)
	edit(t, in, second, func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Medium" })
	in.comesTo(t, second, "Reconciling LimitExceeded")
	assert.Equal(t, ofSecond, in.whatRuns(t, second))
	in.comesTo(t, first, "True Succeeded")
	assert.Equal(t, ofFirst, in.whatRuns(t, first))
}

func apiServerCountsEnvironments(t *testing.T, in *installation) {
	in.tenant(t, "single", func(t *v1alpha1.CRMTenant) {
		t.Spec.Limits = &v1alpha1.TenantLimits{Environments: build.Pointer[int32](1)}
	})
	require.NoError(t, in.Create(t.Context(), unborn(build.Environment("single", "one"))))
	// The API server's own cache takes a moment to learn of a quota, and counts nothing against it before.
	var err error
	more := 0
	in.until(t, "no other is let in", func() error {
		more++
		err = in.Create(t.Context(), unborn(build.Environment("single", fmt.Sprintf("more-%d", more))))
		return mustBe(apierrors.IsForbidden(err), "one more was let in: %v", err)
	})
	// It is Kubernetes' own message: it names what is counted and the limit, and knows nothing of the field that the limit comes from.
	assert.Contains(t, err.Error(), "exceeded quota: crmkeep, requested: count/crmenvironments.crmkeep.io=1")
	assert.Contains(t, err.Error(), "limited: count/crmenvironments.crmkeep.io=1")
}

func missingImageIsNamed(t *testing.T, in *installation) {
	in.create(t, build.Class(func(c *v1alpha1.CRMClass) {
		c.Name = "vanished"
		c.Spec.Versions[1].Image += controlplane.Missing
	}))
	in.tenant(t, "lost")
	env := in.environment(t, "lost", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "vanished" })
	in.comesTo(t, env, "Reconciling ImageUnavailable")
	assert.Contains(t, message(env, v1alpha1.ConditionReady), `image "crmkeep.local/demo:2.0-missing" of migrate`)
	assert.Contains(t, message(env, v1alpha1.ConditionReady), "correct spec.versions[1].image of CRMClass vanished")
}

func newVersionWithoutImageDisturbsNothing(t *testing.T, in *installation) {
	class := build.Class(func(c *v1alpha1.CRMClass) {
		c.Name = "promised"
		c.Spec.Versions[1].Image += controlplane.Missing
		c.Spec.DefaultVersion = "1.0"
	})
	in.create(t, class)
	in.tenant(t, "keen")
	env := in.ready(t, "keen", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "promised" })
	url, before := env.Status.URL, in.versions(t, env)
	version := func(name string) func(*v1alpha1.CRMEnvironment) {
		return func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = name }
	}
	runsOn := func() {
		t.Helper()
		assert.Equal(t, before, in.versions(t, env))
		assert.True(t, meta.IsStatusConditionTrue(env.Status.Conditions, v1alpha1.ConditionWorkloadReady))
		assert.Equal(t, "1.0", env.Status.Version)
		assert.Equal(t, url, env.Status.URL)
	}

	edit(t, in, env, version("2.0"))
	in.comesTo(t, env, "Reconciling ImageUnavailable")
	runsOn()
	assert.ElementsMatch(t, []string{"database", "pull", "queue", "web"}, in.pods(t, env))
	for _, part := range []string{
		`image "crmkeep.local/demo:2.0-missing" of pull cannot be had`, "correct spec.versions[1].image of CRMClass promised, which is version 2.0",
		`set spec.version to "1.0" to stay with it`,
	} {
		assert.Contains(t, message(env, v1alpha1.ConditionMigrated), part)
	}

	edit(t, in, env, version("1.0"))
	in.comesTo(t, env, "True Succeeded")
	runsOn()
	in.until(t, "nobody asks for the image any more", func() error {
		return mustBe(len(in.jobs(t, env)) == 0 && len(in.pods(t, env)) == 3, "%v %v", in.jobs(t, env), in.pods(t, env))
	})

	edit(t, in, env, version("2.0"))
	in.comesTo(t, env, "Reconciling ImageUnavailable")
	runsOn()
	edit(t, in, class, func(c *v1alpha1.CRMClass) { c.Spec.Versions[1].Image = "crmkeep.local/demo:2.0" })
	in.comesTo(t, env, "True Succeeded")
	assert.Equal(t, "2.0", env.Status.Version)
	assert.Equal(t, "crmkeep.local/demo:2.0", in.image(t, env, "web"))
	in.until(t, "the jobs are cleared away", func() error { return mustBe(len(in.jobs(t, env)) == 0, "%v", in.jobs(t, env)) })
}

func volumeThatCannotGrowIsNamed(t *testing.T, in *installation) {
	in.tenant(t, "growing")
	env := in.ready(t, "growing", "prod")
	before := in.whatRuns(t, env)
	storage := func(size string) func(*v1alpha1.CRMEnvironment) {
		return func(e *v1alpha1.CRMEnvironment) {
			e.Spec.Resources = &v1alpha1.EnvironmentResources{Database: &v1alpha1.DatabaseSize{Storage: build.Pointer(resource.MustParse(size))}}
		}
	}
	edit(t, in, env, storage("50Gi"))
	in.comesTo(t, env, "Stalled Invalid")
	said := message(env, v1alpha1.ConditionWorkloadReady)
	assert.Equal(t, said, message(env, v1alpha1.ConditionReady))
	assert.Contains(t, said, "spec.resources.database.storage: the API server does not accept PersistentVolumeClaim crm-growing--prod/data-database: spec: ")
	assert.Contains(t, said, "Set the size back, or ask the platform for a StorageClass that allows volumes to grow")
	assert.Equal(t, before, in.whatRuns(t, env))
	edit(t, in, env, storage("2Gi"))
	in.comesTo(t, env, "True Succeeded")
}

// unborn has no generation: that is the API server's to count.
func unborn(env *v1alpha1.CRMEnvironment) *v1alpha1.CRMEnvironment {
	env.Generation = 0
	return env
}

func (in *installation) nothingMade(t *testing.T, env *v1alpha1.CRMEnvironment) {
	t.Helper()
	err := in.Get(t.Context(), client.ObjectKey{Name: workloadNamespace(env)}, &corev1.Namespace{})
	assert.True(t, apierrors.IsNotFound(err), "%v", err)
	assert.Empty(t, env.Status.Namespace)
}

// whatRuns is everything that serves people, as the API server counts it: an environment whose is the same was not disturbed.
func (in *installation) whatRuns(t *testing.T, env *v1alpha1.CRMEnvironment) map[string]string {
	t.Helper()
	found := in.versions(t, env)
	for kind, list := range map[string]client.ObjectList{
		"Pod": &corev1.PodList{}, "Service": &corev1.ServiceList{}, "ConfigMap": &corev1.ConfigMapList{}, "Ingress": &networkingv1.IngressList{},
		"NetworkPolicy": &networkingv1.NetworkPolicyList{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudgetList{},
	} {
		require.NoError(t, in.List(t.Context(), list, client.InNamespace(workloadNamespace(env))))
		require.NoError(t, meta.EachListItem(list, func(item runtime.Object) error {
			o, err := meta.Accessor(item)
			if err != nil {
				return err
			}
			version := fmt.Sprint(o.GetGeneration())
			if kind == "ConfigMap" || kind == "Service" { // They have no status, and their generation is not counted.
				version = o.GetResourceVersion()
			}
			if o.GetName() != naming.AcceptedRecord { // That tells what is declared.
				found[kind+" "+o.GetName()] = fmt.Sprintf("%s/%s", o.GetUID(), version)
			}
			return nil
		}))
	}
	return found
}

// versions are the declarations of what runs, as the API server counts them.
func (in *installation) versions(t *testing.T, env *v1alpha1.CRMEnvironment) map[string]string {
	t.Helper()
	found := map[string]string{}
	namespace := client.InNamespace(workloadNamespace(env))
	var deployments appsv1.DeploymentList
	require.NoError(t, in.List(t.Context(), &deployments, namespace))
	for _, d := range deployments.Items {
		found["Deployment "+d.Name] = fmt.Sprintf("%s/%d", d.UID, d.Generation)
	}
	var statefulSets appsv1.StatefulSetList
	require.NoError(t, in.List(t.Context(), &statefulSets, namespace))
	for _, s := range statefulSets.Items {
		found["StatefulSet "+s.Name] = fmt.Sprintf("%s/%d", s.UID, s.Generation)
	}
	var claims corev1.PersistentVolumeClaimList
	require.NoError(t, in.List(t.Context(), &claims, namespace))
	for _, c := range claims.Items {
		found["PersistentVolumeClaim "+c.Name] = string(c.UID)
	}
	return found
}
