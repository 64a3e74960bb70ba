package observe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

const namespace = "crm-acme--prod"

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func see(t *testing.T, env *v1alpha1.CRMEnvironment, world ...client.Object) *facts.Environment {
	t.Helper()
	scheme := runtime.NewScheme()
	require.NoError(t, clientgoscheme.AddToScheme(scheme))
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(world...).
		WithIndex(&v1alpha1.CRMEnvironment{}, observe.IndexHostname, func(o client.Object) []string {
			return []string{o.(*v1alpha1.CRMEnvironment).Spec.Hostname}
		}).Build()
	o := &observe.Observer{Reader: reader, Mapper: meta.NewDefaultRESTMapper(nil)}
	seen, err := o.Environment(t.Context(), env)
	require.NoError(t, err)
	return seen
}

// aged is an environment that was made so many minutes after the start.
func aged(tenant, name string, minutes int, change ...func(*v1alpha1.CRMEnvironment)) *v1alpha1.CRMEnvironment {
	e := build.Environment(tenant, name, change...)
	e.CreationTimestamp = metav1.NewTime(start.Add(time.Duration(minutes) * time.Minute))
	return e
}

func hostname(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.acme.example" }

func letIn(e *v1alpha1.CRMEnvironment) {
	e.Status.Namespace, e.Status.URL = naming.WorkloadNamespace("acme", e.Name), naming.URL(e.Spec.Hostname)
}

func TestWhatIsNotThereIsNil(t *testing.T) {
	seen := see(t, aged("acme", "prod", 0))
	assert.Nil(t, seen.Tenant)
	assert.Nil(t, seen.Class)
	assert.Empty(t, seen.Siblings)
	assert.False(t, seen.HTTPRoutes)

	seen = see(t, aged("acme", "prod", 0), build.Tenant("acme"), build.Class())
	assert.Equal(t, "acme", seen.Tenant.Name)
	assert.Equal(t, build.ClassName, seen.Class.Name)
}

func TestTheDataOfADatabaseThatWasMigratedIsMissedWhenItsVolumeIsNotThere(t *testing.T) {
	migrated := func(e *v1alpha1.CRMEnvironment) { e.Status.Version = "1.0" }
	elsewhere := func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{}}
	}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "data-database"}}
	assert.False(t, see(t, aged("acme", "prod", 0)).DataMissing, "there was no data yet")
	assert.False(t, see(t, aged("acme", "prod", 0, migrated), claim).DataMissing)
	assert.False(t, see(t, aged("acme", "prod", 0, migrated, elsewhere)).DataMissing)
	assert.True(t, see(t, aged("acme", "prod", 0, migrated)).DataMissing)
}

func TestDataThatWasRetainedIsKnownInWhicheverDatabaseItIs(t *testing.T) {
	outside := func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{}}
	}
	inside := func(*v1alpha1.CRMEnvironment) {}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "data-database"}}
	record := func(more ...string) client.Object {
		data := map[string]string{workload.VersionField: "1.0"}
		for _, field := range more {
			data[field] = workload.DatabaseExternal
		}
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: naming.VersionRecord}, Data: data}
	}
	for sentence, c := range map[string]struct {
		declared  func(*v1alpha1.CRMEnvironment)
		world     []client.Object
		version   string
		elsewhere bool
	}{
		"nothing was":                             {inside, nil, "", false},
		"inside, as declared":                     {inside, []client.Object{record(), claim}, "1.0", false},
		"inside, and its volume is gone":          {inside, []client.Object{record()}, "", false},
		"inside, and outside is declared":         {outside, []client.Object{record(), claim}, "", true},
		"outside, as declared":                    {outside, []client.Object{record(workload.DatabaseField)}, "1.0", false},
		"outside, and inside is declared":         {inside, []client.Object{record(workload.DatabaseField)}, "", true},
		"outside, by a record that does not tell": {outside, []client.Object{record()}, "1.0", false},
	} {
		t.Run(sentence, func(t *testing.T) {
			seen := see(t, aged("acme", "prod", 0, c.declared), c.world...)
			assert.Equal(t, c.version, seen.RecordedVersion)
			assert.Equal(t, c.elsewhere, seen.DataElsewhere)
		})
	}
}

func TestTheGatewayAPIIsKnownByDiscovery(t *testing.T) {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}, meta.RESTScopeNamespace)
	assert.True(t, (&observe.Observer{Mapper: mapper}).KnowsHTTPRoutes())
}

func TestNeighboursCountWhenTheyWereLetInOrAreOlder(t *testing.T) {
	env := aged("acme", "prod", 5)
	seen := see(t, env, env, build.Class(),
		aged("acme", "older", 1), aged("acme", "newer", 9), aged("acme", "newer-but-in", 9, letIn), aged("globex", "stranger", 1))
	var names []string
	for _, s := range seen.Siblings {
		names = append(names, s.Environment.Name)
		assert.NotNil(t, s.Class)
	}
	assert.ElementsMatch(t, []string{"older", "newer-but-in"}, names)
}

func TestWhoHasAHostName(t *testing.T) {
	for sentence, c := range map[string]struct {
		env    *v1alpha1.CRMEnvironment
		others []client.Object
		want   string
	}{
		"nobody else":                {aged("acme", "prod", 5, hostname), nil, ""},
		"an older one of the tenant": {aged("acme", "prod", 5, hostname), []client.Object{aged("acme", "old", 1, hostname)}, "crm-acme/old"},
		"an older one of another":    {aged("acme", "prod", 5, hostname), []client.Object{aged("globex", "prod", 1, hostname)}, "crm-globex/prod"},
		"a newer one has to wait":    {aged("acme", "prod", 5, hostname), []client.Object{aged("globex", "prod", 9, hostname)}, ""},
		"of two of one age, the first by name": {
			aged("acme", "prod", 5, hostname), []client.Object{aged("acme", "a", 5, hostname)}, "crm-acme/a"},
		"an older one cannot take it from one that people open": {
			aged("acme", "prod", 5, hostname, letIn), []client.Object{aged("globex", "prod", 1, hostname)}, ""},
		"one that people open keeps it, though it is newer": {
			aged("acme", "prod", 5, hostname), []client.Object{aged("globex", "prod", 9, hostname, letIn)}, "crm-globex/prod"},
	} {
		t.Run(sentence, func(t *testing.T) {
			assert.Equal(t, c.want, see(t, c.env, append(c.others, c.env)...).HostnameHolder)
		})
	}
}

func TestTheWorkloadIsReadFromItsOwnNamespaceOnly(t *testing.T) {
	elsewhere := deployment("web", 1, appsv1.DeploymentStatus{Replicas: 1})
	elsewhere.Namespace = "crm-globex--prod"
	seen := see(t, aged("acme", "prod", 0), elsewhere)
	assert.Empty(t, seen.Components)
}

func TestADeploymentIsUpWhenItsNewestDeclarationIsRolledOut(t *testing.T) {
	done := appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2}
	for sentence, c := range map[string]struct {
		change func(*appsv1.DeploymentStatus)
		want   bool
	}{
		"rolled out":           {func(*appsv1.DeploymentStatus) {}, true},
		"not yet seen":         {func(s *appsv1.DeploymentStatus) { s.ObservedGeneration = 1 }, false},
		"a pod is not ready":   {func(s *appsv1.DeploymentStatus) { s.ReadyReplicas = 1 }, false},
		"an old pod still is":  {func(s *appsv1.DeploymentStatus) { s.Replicas = 3 }, false},
		"a new pod is missing": {func(s *appsv1.DeploymentStatus) { s.UpdatedReplicas = 1 }, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			status := done
			c.change(&status)
			seen := see(t, aged("acme", "prod", 0), deployment("web", 2, status))
			assert.Equal(t, c.want, seen.Components["web"].Up())
		})
	}
}

func TestTheDatabaseIsTheStatefulSetOfThatName(t *testing.T) {
	s := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: naming.ComponentDatabase, Namespace: namespace, Generation: 1},
		Status:     appsv1.StatefulSetStatus{ObservedGeneration: 1, Replicas: 1, ReadyReplicas: 1, CurrentRevision: "a", UpdateRevision: "a"},
	}
	assert.True(t, see(t, aged("acme", "prod", 0), s).Database.Up())
	s.Status.UpdateRevision = "b"
	assert.False(t, see(t, aged("acme", "prod", 0), s).Database.Up(), "the pod is of the old declaration")
}

func TestJobsAreThoseOfMigrationsAndImages(t *testing.T) {
	job := func(name, component string, conditions ...batchv1.JobCondition) *batchv1.Job {
		return &batchv1.Job{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{naming.LabelComponent: component}},
			Status:     batchv1.JobStatus{Conditions: conditions},
		}
	}
	seen := see(t, aged("acme", "prod", 0),
		job("migrate-1", naming.ComponentMigrate),
		job("migrate-2", naming.ComponentMigrate, batchv1.JobCondition{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}),
		job("migrate-3", naming.ComponentMigrate, batchv1.JobCondition{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Message: "deadline"}),
		job("migrate-4", naming.ComponentMigrate, batchv1.JobCondition{Type: batchv1.JobFailed, Status: corev1.ConditionFalse}),
		job("pull-1", naming.ComponentPull, batchv1.JobCondition{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}),
		job("nightly-1", "nightly"))
	assert.Equal(t, map[string]facts.Job{
		"migrate-1": {}, "migrate-2": {Succeeded: true}, "migrate-3": {Failed: true, Message: "deadline"}, "migrate-4": {},
		"pull-1": {Succeeded: true},
	}, seen.Jobs)
}

func TestPodsCountUntilTheyHaveFinished(t *testing.T) {
	ending := pod("web-2", "web", corev1.PodStatus{Phase: corev1.PodRunning})
	ending.Finalizers, ending.DeletionTimestamp = []string{"keep"}, build.Pointer(metav1.NewTime(start))
	seen := see(t, aged("acme", "prod", 0),
		pod("web-1", "web", corev1.PodStatus{Phase: corev1.PodRunning}), ending,
		pod("migrate-1", "migrate", corev1.PodStatus{Phase: corev1.PodFailed}),
		pod("migrate-2", "migrate", corev1.PodStatus{Phase: corev1.PodSucceeded}),
		pod("queue-1", "queue", corev1.PodStatus{Phase: corev1.PodPending}))
	assert.Equal(t, map[string]int{"web": 2, "queue": 1}, seen.Pods)
}

func TestWhatKeepsAPodFromRunningIsSaidWithoutItsOutput(t *testing.T) {
	waiting := func(reason string, restarts int32) corev1.PodStatus {
		return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", Image: "crmkeep.local/demo:1", RestartCount: restarts,
			State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "pg: password is hunter2"}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 7, Message: "customer Li Na"}},
		}}}
	}
	for sentence, c := range map[string]struct {
		status corev1.PodStatus
		reason string
		want   string
	}{
		"an image that cannot be pulled":    {waiting("ImagePullBackOff", 0), v1alpha1.ReasonImageUnavailable, `"crmkeep.local/demo:1" of web`},
		"an image that is never pulled":     {waiting("ErrImageNeverPull", 0), v1alpha1.ReasonImageUnavailable, "ErrImageNeverPull"},
		"a container that cannot be made":   {waiting("CreateContainerConfigError", 0), v1alpha1.ReasonCrashing, "cannot be started"},
		"a container that fails repeatedly": {waiting("CrashLoopBackOff", 3), v1alpha1.ReasonCrashing, "with exit code 7"},
		"a container that failed once":      {waiting("CrashLoopBackOff", 1), "", ""},
		"a container that is only starting": {waiting("ContainerCreating", 0), "", ""},
		"a pod that no node takes": {
			corev1.PodStatus{Conditions: []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes"}}},
			v1alpha1.ReasonUnschedulable, "0/1 nodes"},
	} {
		t.Run(sentence, func(t *testing.T) {
			seen := see(t, aged("acme", "prod", 0), pod("web-1", "web", c.status), pod("web-2", "web", c.status))
			if c.reason == "" {
				assert.Empty(t, seen.Problems)
				return
			}
			require.Len(t, seen.Problems, 1, "the same problem of two pods is one")
			assert.Equal(t, c.reason, seen.Problems[0].Reason)
			assert.Equal(t, "web", seen.Problems[0].Component)
			assert.Contains(t, seen.Problems[0].Message, c.want)
			assert.Equal(t, c.reason == v1alpha1.ReasonImageUnavailable, seen.Problems[0].Image == "crmkeep.local/demo:1")
			assert.NotContains(t, seen.Problems[0].Message, "hunter2")
			assert.NotContains(t, seen.Problems[0].Message, "Li Na")
		})
	}
}

func deployment(name string, replicas int32, status appsv1.DeploymentStatus) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Generation: 2},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas}, Status: status,
	}
}

func pod(name, component string, status corev1.PodStatus) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{naming.LabelComponent: component}},
		Status:     status,
	}
}

// countingMapper counts what a RESTMapper is asked, each of which may be a request.
type countingMapper struct {
	meta.RESTMapper
	asked int
}

func (m *countingMapper) RESTMapping(kind schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	m.asked++
	return m.RESTMapper.RESTMapping(kind, versions...)
}

func TestTheClusterIsNotAskedEachTimeForAKindThatItDoesNotHave(t *testing.T) {
	mapper := &countingMapper{RESTMapper: meta.NewDefaultRESTMapper(nil)}
	o := &observe.Observer{Mapper: mapper}
	for range 10 {
		assert.False(t, o.KnowsHTTPRoutes())
	}
	assert.Equal(t, 1, mapper.asked)
}
