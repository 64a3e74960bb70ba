package check_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/check"
	"github.com/crmkeep/crmkeep/internal/plan/network"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/golden"
	"github.com/crmkeep/crmkeep/internal/testing/podsecurity"
)

const schedule = "nightly"

// environment of a class with checks of both kinds.
func environment(t *testing.T, purpose v1alpha1.Purpose, checks ...v1alpha1.ClassCheck) *target.Target {
	t.Helper()
	class := build.Class(func(c *v1alpha1.CRMClass) { c.Spec.Checks = checks })
	env := build.Environment("acme", "drill", func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = purpose })
	out, err := target.Resolve(build.Settings(), build.Tenant("acme"), class, env)
	require.NoError(t, err)
	return &out
}

func checks() []v1alpha1.ClassCheck {
	return []v1alpha1.ClassCheck{
		{Name: "answers", HTTP: &v1alpha1.HTTPCheck{
			Method: "POST", Path: "/${database.name}/rpc?a=1", ContentType: "application/json", Body: `{"id":1}`, Contains: "pong",
			Status: build.Pointer[int32](200)}},
		{Name: "logs-in", Command: []string{"demo", "check", "${environment.name}"}},
		{Name: "counts", Command: []string{"demo", "count"}},
	}
}

func job(t *testing.T, env *target.Target) batchv1.Job {
	t.Helper()
	planned, err := check.Objects(env, schedule)
	require.NoError(t, err)
	require.Len(t, planned, 1)
	require.True(t, planned[0].CreateOnly)
	text, err := yaml.Marshal(planned[0].Configuration)
	require.NoError(t, err)
	var job batchv1.Job
	require.NoError(t, yaml.UnmarshalStrict(text, &job))
	return job
}

func TestThePlanOfTheChecksIsAsReviewed(t *testing.T) {
	planned, err := check.Objects(environment(t, v1alpha1.PurposeDrill, checks()...), schedule)
	require.NoError(t, err)
	text, err := yaml.Marshal(planned[0].Configuration)
	require.NoError(t, err)
	golden.Compare(t, filepath.Join("testdata", "job.yaml"), text)
}

func TestChecksRunInTheirOrderOnceAndConfined(t *testing.T) {
	j := job(t, environment(t, v1alpha1.PurposeDrill, checks()...))
	require.NoError(t, podsecurity.Restricted(&j.Spec.Template))
	assert.Equal(t, check.JobName(schedule), j.Name)
	assert.Equal(t, naming.RunOf(naming.RunCheck, schedule), j.Labels[naming.LabelRunOf])
	assert.Equal(t, j.Name, j.Spec.Template.Labels[naming.LabelRun])
	assert.Zero(t, *j.Spec.BackoffLimit)
	assert.Positive(t, *j.Spec.ActiveDeadlineSeconds)
	spec := j.Spec.Template.Spec
	assert.Equal(t, corev1.RestartPolicyNever, spec.RestartPolicy)
	var names []string
	for _, c := range append(spec.InitContainers, spec.Containers...) {
		names = append(names, c.Name)
	}
	assert.Equal(t, []string{"install", "agent", "check-answers", "check-logs-in", "check-counts"}, names)
}

func TestARequestRunsWithoutTheProductsVolumes(t *testing.T) {
	j := job(t, environment(t, v1alpha1.PurposeDrill, checks()...))
	for _, c := range append(j.Spec.Template.Spec.InitContainers, j.Spec.Template.Spec.Containers...) {
		mounted := slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "data-uploads" })
		assert.Equal(t, c.Name == "check-logs-in" || c.Name == "check-counts", mounted, c.Name)
	}
}

func TestAClassWithoutChecksHasNothingToPlan(t *testing.T) {
	planned, err := check.Objects(environment(t, v1alpha1.PurposeDrill), schedule)
	require.NoError(t, err)
	assert.Empty(t, planned)
}

func TestAWrongTemplateIsRefused(t *testing.T) {
	_, err := check.Objects(environment(t, v1alpha1.PurposeDrill, v1alpha1.ClassCheck{Name: "logs-in", Command: []string{"${admin.password}"}}), schedule)
	require.ErrorContains(t, err, "admin.password")
}

func TestOnlyADrillHasAnIdentityAndAWayForChecks(t *testing.T) {
	for _, purpose := range []v1alpha1.Purpose{v1alpha1.PurposeDrill, v1alpha1.PurposeSandbox, v1alpha1.PurposeProduction} {
		env := environment(t, purpose, checks()...)
		known := slices.ContainsFunc(workload.Identities(env), func(c secrets.Component) bool {
			return c.Name == naming.ComponentCheck && c.NeedsAdmin && c.NeedsDataKey
		})
		assert.Equal(t, purpose == v1alpha1.PurposeDrill, known, purpose)
		objects, err := workload.Objects(env, workload.Run{Version: env.Version})
		require.NoError(t, err)
		var text bytes.Buffer
		for _, o := range objects {
			one, err := yaml.Marshal(o.Configuration)
			require.NoError(t, err)
			text.Write(one)
		}
		assert.Equal(t, purpose == v1alpha1.PurposeDrill, bytes.Contains(text.Bytes(), []byte(naming.AgentConfig(naming.ComponentCheck))), purpose)
		var ways []int32
		for _, e := range network.Edges(env) {
			if e.From.Component == naming.ComponentCheck {
				ways = append(ways, e.Port)
			}
		}
		if purpose == v1alpha1.PurposeDrill {
			assert.ElementsMatch(t, []int32{config.TLSPort, config.DatabasePort}, ways)
		} else {
			assert.Empty(t, ways)
		}
	}
}

// ran is a Job that ended with a condition, and its pod with these ends of containers.
func ran(t *testing.T, condition batchv1.JobConditionType, ends ...corev1.ContainerStateTerminated) (*batchv1.Job, *corev1.Pod) {
	t.Helper()
	j := job(t, environment(t, v1alpha1.PurposeDrill, checks()...))
	if condition != "" {
		j.Status.Conditions = []batchv1.JobCondition{{Type: condition, Status: corev1.ConditionTrue, Message: "Kubernetes' words"}}
	}
	pod := &corev1.Pod{Spec: j.Spec.Template.Spec}
	containers := append(pod.Spec.InitContainers, pod.Spec.Containers...)
	pod.Status.InitContainerStatuses = []corev1.ContainerStatus{
		{Name: "install", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}},
		{Name: "agent", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
	}
	for i, c := range containers[2:] {
		s := corev1.ContainerStatus{Name: c.Name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}}
		if i < len(ends) {
			s.State = corev1.ContainerState{Terminated: &ends[i]}
		}
		pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, s)
	}
	return &j, pod
}

func end(seconds int64, code int32, message string) corev1.ContainerStateTerminated {
	return corev1.ContainerStateTerminated{
		StartedAt: metav1.Unix(1000, 0), FinishedAt: metav1.NewTime(time.Unix(1000+seconds, 0)), ExitCode: code, Message: message,
	}
}

func TestTheOutcomeTellsWhatFailedAndHowLongEachTook(t *testing.T) {
	killed := end(1, 137, "")
	killed.Reason = "OOMKilled"
	took := func(name string, seconds int64) v1alpha1.RecoveryStage {
		return v1alpha1.RecoveryStage{Name: name, Milliseconds: 1000 * seconds}
	}
	for name, test := range map[string]struct {
		condition batchv1.JobConditionType
		ends      []corev1.ContainerStateTerminated
		want      check.Result
	}{
		"nothing has ended": {},
		"one has ended":     {ends: []corev1.ContainerStateTerminated{end(1, 0, "")}, want: check.Result{Checks: []v1alpha1.RecoveryStage{took("answers", 1)}}},
		"all have passed": {
			condition: batchv1.JobComplete, ends: []corev1.ContainerStateTerminated{end(1, 0, ""), end(2, 0, ""), end(3, 0, "")},
			want: check.Result{Ended: true, Passed: true, Checks: []v1alpha1.RecoveryStage{took("answers", 1), took("logs-in", 2), took("counts", 3)}},
		},
		"a request failed, and its own words are told": {
			condition: batchv1.JobFailed, ends: []corev1.ContainerStateTerminated{end(1, 1, "error: /rpc: status 500\n")},
			want: check.Result{Ended: true, Checks: []v1alpha1.RecoveryStage{took("answers", 1)}, Failed: "answers",
				Message: "check answers failed with exit code 1: error: /rpc: status 500"},
		},
		"a command failed, and what the product says is not told": {
			condition: batchv1.JobFailed, ends: []corev1.ContainerStateTerminated{end(1, 0, ""), end(2, 3, "user Li Na is missing")},
			want: check.Result{Ended: true, Checks: []v1alpha1.RecoveryStage{took("answers", 1), took("logs-in", 2)}, Failed: "logs-in",
				Message: "check logs-in failed with exit code 3"},
		},
		"a command had not enough memory": {
			condition: batchv1.JobFailed, ends: []corev1.ContainerStateTerminated{end(1, 0, ""), killed},
			want: check.Result{Ended: true, Checks: []v1alpha1.RecoveryStage{took("answers", 1), took("logs-in", 1)}, Failed: "logs-in",
				Message: "check logs-in failed with exit code 137: its memory did not suffice"},
		},
		"the deadline came first": {
			condition: batchv1.JobFailed, ends: []corev1.ContainerStateTerminated{end(1, 0, "")},
			want: check.Result{Ended: true, Checks: []v1alpha1.RecoveryStage{took("answers", 1)},
				Message: "the checks did not come to an end: Kubernetes' words"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			j, pod := ran(t, test.condition, test.ends...)
			assert.Equal(t, test.want, check.Outcome(j, pod))
		})
	}
}

func TestTheOutcomeWithoutAPodIsTheJobs(t *testing.T) {
	j, _ := ran(t, batchv1.JobComplete)
	assert.Equal(t, check.Result{Ended: true, Passed: true}, check.Outcome(j, nil))
	j, _ = ran(t, batchv1.JobFailed)
	assert.Equal(t, check.Result{Ended: true, Message: "the checks did not come to an end: Kubernetes' words"}, check.Outcome(j, nil))
}
