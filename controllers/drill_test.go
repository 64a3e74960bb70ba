package controllers_test

import (
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/drill"
	"github.com/crmkeep/crmkeep/internal/schedule"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// drilled is an environment with a complete backup, and where the drills of its schedule restore.
type drilled struct {
	protected

	backup *v1alpha1.CRMBackup
	// copy is the same tenant with the drill's environment.
	copy protected
}

// drilled makes one of a class with checks, which has the tenant's name.
func (in *installation) drilled(t *testing.T, tenant, name string) drilled {
	t.Helper()
	in.create(t, build.Class(func(c *v1alpha1.CRMClass) {
		c.Name = tenant
		c.Spec.Checks = []v1alpha1.ClassCheck{{Name: "counts", Command: []string{"demo", "count"}}, {Name: "logs-in", Command: []string{"demo", "login"}}}
	}))
	d := drilled{protected: in.protected(t, tenant)}
	d.env = in.ready(t, tenant, "live", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = tenant })
	declared := &v1alpha1.CRMBackupSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: d.env.Namespace, Name: name}}
	declared.Spec.EnvironmentRef.Name, declared.Spec.Locations = d.env.Name, d.locations
	d.backup = d.earlier(t, declared, time.Hour)
	d.copy = d.protected
	d.copy.env = &v1alpha1.CRMEnvironment{ObjectMeta: metav1.ObjectMeta{Namespace: d.env.Namespace, Name: naming.DrillEnvironment(name)}}
	return d
}

const often, rarely = v1alpha1.CronExpression("* * * * *"), v1alpha1.CronExpression("0 0 1 1 *")

// drill makes a schedule whose first drill is due within a minute, and waits until it has begun. There is no second.
func (d drilled) drill(t *testing.T, name string) *v1alpha1.CRMBackupSchedule {
	t.Helper()
	s := d.schedule(t, name, func(s *v1alpha1.CRMBackupSchedule) {
		s.Spec.Schedule, s.Spec.Drill = rarely, &v1alpha1.RestoreDrill{Schedule: often}
		s.Spec.Objectives = &v1alpha1.RecoveryObjectives{RPOSeconds: build.Pointer[int64](3600), RTOSeconds: build.Pointer[int64](3600)}
	})
	d.begins(t, s, "")
	return s
}

// begins waits until a drill has begun that is another than the last, and puts the next one off.
func (d drilled) begins(t *testing.T, s *v1alpha1.CRMBackupSchedule, last string) {
	t.Helper()
	d.until(t, "a drill begins", func() error {
		if err := d.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			return err
		}
		return mustBe(s.Status.Drill != nil && s.Status.Drill.Name != last, "%v", s.Status.Drill)
	})
	edit(t, d.installation, s, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Drill.Schedule = rarely })
}

// checked plays the restore, and waits until the checks run. What the restore has replaced is dropped before or after them.
func (d drilled) checked(t *testing.T) *corev1.Pod {
	t.Helper()
	source := naming.SourceRestore(d.copy.env.Name)
	d.copy.tells(t, "restore."+source, 0, restored)
	d.until(t, "the checks run", func() error {
		if d.copy.isRunning(t, "drop."+source) {
			d.copy.tells(t, "drop."+source, 0, "{}")
		}
		return mustBe(d.copy.isRunning(t, "check.nightly"), "not yet")
	})
	return d.copy.run(t, "check.nightly")
}

// ends waits for the drill's verdict, and until nothing is left of it but the result, which it gives.
func (d drilled) ends(t *testing.T, s *v1alpha1.CRMBackupSchedule, phase string) evidence.DrillStatement {
	t.Helper()
	d.until(t, "the drill is "+phase, func() error {
		if err := d.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			return err
		}
		return mustBe(s.Status.Drill.Phase == phase, "%v", s.Status.Drill)
	})
	d.nothingOfTheDrillIsLeft(t, s)
	return d.result(t, s.Status.Drill.Name)
}

func (d drilled) nothingOfTheDrillIsLeft(t *testing.T, s *v1alpha1.CRMBackupSchedule) {
	t.Helper()
	d.gone(t, &v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Status.Drill.Name}})
	d.gone(t, d.copy.env.DeepCopy())
	d.gone(t, &v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: naming.SourceRestore(d.copy.env.Name)}})
	d.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workloadNamespace(d.copy.env)}})
	state := d.inVault(t, d.copy.env)
	assert.Nil(t, state.EncryptionKey)
	assert.Nil(t, state.EvidenceKey)
	assert.Nil(t, state.DataKey)
}

// result reads the drill's signed result by the public key that Vault has for the source environment.
func (d drilled) result(t *testing.T, name string) evidence.DrillStatement {
	t.Helper()
	var stored corev1.ConfigMap
	require.NoError(t, d.Get(t.Context(), client.ObjectKey{Namespace: d.env.Namespace, Name: name}, &stored))
	assert.True(t, *stored.Immutable)
	assert.Equal(t, naming.ManagedBy, stored.Labels[naming.LabelManagedBy], "nobody else may change it")
	text, err := evidence.Read([]byte(stored.Data["certificate.json"]), d.publicKey(t))
	require.NoError(t, err)
	var s evidence.DrillStatement
	require.NoError(t, json.Unmarshal([]byte(text), &s))
	assert.Equal(t, d.tenant, s.Tenant)
	assert.Equal(t, d.env.Name, s.Environment)
	assert.Equal(t, name, s.Drill)
	return s
}

func (d drilled) publicKey(t *testing.T) ed25519.PublicKey {
	t.Helper()
	key, err := d.vault.Root(t).Logical().Read("crmkeep-transit/keys/" + workloadNamespace(d.env) + ".evidence")
	require.NoError(t, err)
	var version struct {
		PublicKey []byte `json:"public_key"`
	}
	raw, err := json.Marshal(key.Data["keys"].(map[string]any)["1"])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &version))
	return version.PublicKey
}

// event waits until there is one of that reason about the schedule, and gives its type and note.
func (d drilled) event(t *testing.T, s *v1alpha1.CRMBackupSchedule, reason string) string {
	t.Helper()
	var found string
	d.until(t, "there is an event "+reason, func() error {
		var list eventsv1.EventList
		if err := d.List(t.Context(), &list, client.InNamespace(s.Namespace)); err != nil {
			return err
		}
		i := slices.IndexFunc(list.Items, func(e eventsv1.Event) bool { return e.Regarding.Name == s.Name && e.Reason == reason })
		if i >= 0 {
			found = list.Items[i].Type + " " + list.Items[i].Note
		}
		return mustBe(i >= 0, "%d events", len(list.Items))
	})
	return found
}

func drillPassesAndLeavesNothing(t *testing.T, in *installation) {
	d := in.drilled(t, "proving", "nightly")
	s := d.drill(t, "nightly")
	assert.True(t, strings.HasPrefix(s.Status.Drill.Name, "nightly-drill-"))
	assert.WithinDuration(t, time.Now(), s.Status.Drill.ScheduledAt.Time, 2*time.Minute)
	d.says(t, v1alpha1.ReasonNeverProven)

	pod := d.checked(t)
	assert.Equal(t, "check-logs-in", pod.Spec.Containers[0].Name)
	in.comesTo(t, d.copy.env, "True Succeeded")
	assert.Equal(t, v1alpha1.PurposeDrill, d.copy.env.Spec.Purpose)
	assert.EqualValues(t, 7200, *d.copy.env.Spec.TTLSeconds, "it ends by itself if nobody ends it")
	d.copy.tells(t, "check.nightly", 0, "")

	told := d.ends(t, s, v1alpha1.PhaseComplete)
	var stages []string
	sum := int64(0)
	for _, stage := range s.Status.Drill.Stages {
		stages = append(stages, stage.Name)
		sum += stage.Milliseconds
	}
	assert.Equal(t, []string{"Environment", "Restore", "Start", "Checks"}, stages)
	require.NotNil(t, s.Status.LastProven)
	assert.Equal(t, s.Status.Drill.CompletedAt, s.Status.LastProven)
	assert.Equal(t, (sum+999)/1000, *s.Status.MeasuredRTOSeconds)
	lost := max(0, s.Status.Drill.StartedAt.Sub(d.backup.Status.StartedAt.Time))
	assert.EqualValues(t, lost.Seconds(), *s.Status.MeasuredRPOSeconds)
	d.says(t, v1alpha1.ReasonSucceeded)
	assert.Equal(t, s.Status.LastProven, d.env.Status.LastProven)

	assert.Equal(t, evidence.VerdictPassed, told.Verdict)
	assert.Equal(t, d.backup.Name, told.Backup)
	assert.Equal(t, d.backup.Status.Record.ManifestDigest, told.ManifestDigest)
	assert.Equal(t, *s.Status.MeasuredRTOSeconds, *told.RTOSeconds)
	assert.Equal(t, *s.Status.MeasuredRPOSeconds, *told.RPOSeconds)
	assert.Len(t, told.Stages, 4)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(d.backup), d.backup))
	assert.Equal(t, told.EndedAt, d.backup.Annotations[naming.AnnotationProvenAt])
	assert.Contains(t, d.event(t, s, v1alpha1.ReasonDrillPassed), "Normal drill "+s.Status.Drill.Name+" has restored backup "+d.backup.Name)

	assert.EqualValues(t, s.Status.LastProven.Unix(), sample(t, "crmkeep_schedule_last_proven_timestamp_seconds", d.tenant))
	assert.EqualValues(t, 1, sample(t, "crmkeep_drills_total", d.tenant))

	require.NoError(t, in.Delete(t.Context(), s))
	in.gone(t, s)
	d.result(t, told.Drill) // The result outlives the schedule.
	assert.Zero(t, sample(t, "crmkeep_drills_total", d.tenant))
}

// sample sums up what the manager serves of a metric for a tenant.
func sample(t *testing.T, name, tenant string) float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	require.NoError(t, err)
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetName() == "tenant" && l.GetValue() == tenant {
					sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}

func failedDrillSaysSoAndLeavesNothing(t *testing.T, in *installation) {
	d := in.drilled(t, "doubting", "nightly")
	s := d.drill(t, "nightly")
	d.copy.fails(t, "restore."+naming.SourceRestore(d.copy.env.Name), `{"reason":"VerifyFailed","message":"a table is not what was backed up"}`)

	told := d.ends(t, s, v1alpha1.PhaseFailed)
	assert.Contains(t, s.Status.Drill.Message, "VerifyFailed: ")
	assert.Contains(t, s.Status.Drill.Message, "a table is not what was backed up")
	assert.Nil(t, s.Status.LastProven)
	assert.Nil(t, s.Status.MeasuredRTOSeconds)
	assert.Equal(t, evidence.VerdictFailed, told.Verdict)
	assert.Equal(t, s.Status.Drill.Message, told.Message)
	assert.Nil(t, told.RTOSeconds)
	d.says(t, v1alpha1.ReasonDrillFailed)
	assert.Contains(t, d.event(t, s, v1alpha1.ReasonDrillFailed), "Warning drill "+s.Status.Drill.Name)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(d.backup), d.backup))
	assert.Empty(t, d.backup.Annotations[naming.AnnotationProvenAt])

	// The next one comes to the checks, of which one fails.
	edit(t, in, s, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Drill.Schedule = often })
	d.begins(t, s, told.Drill)
	d.says(t, v1alpha1.ReasonDrillFailed)
	d.checked(t)
	d.copy.tells(t, "check.nightly", 1, "")
	told = d.ends(t, s, v1alpha1.PhaseFailed)
	assert.Contains(t, told.Message, "CheckFailed: check logs-in failed with exit code 1")
	require.Len(t, told.Checks, 1)
	assert.Equal(t, "logs-in", told.Checks[0].Name)
}

func drillThatCannotBeginFails(t *testing.T, in *installation) {
	p := in.protected(t, "lacking")
	d := drilled{protected: p, copy: p}
	d.copy.env = &v1alpha1.CRMEnvironment{ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: naming.DrillEnvironment("empty")}}
	older := resultsOf("empty", p.env.Namespace, schedule.DrillResults)
	for i := range older {
		in.create(t, &older[i])
	}
	s := d.drill(t, "empty")
	told := d.ends(t, s, v1alpha1.PhaseFailed)
	assert.Contains(t, told.Message, "NoBackup: ")
	assert.Empty(t, told.Backup)
	in.gone(t, &older[0])
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(&older[1]), &older[1]), "the newest ten are kept")

	// What a person has made under a name that a drill needs is not touched.
	p.done(t, "good")
	theirs := in.ready(t, "lacking", naming.DrillEnvironment("clashing"))
	s = d.drill(t, "clashing")
	in.until(t, "the drill has failed", func() error {
		return mustBe(in.Get(t.Context(), client.ObjectKeyFromObject(s), s) == nil && s.Status.Drill.Phase == v1alpha1.PhaseFailed, "%v", s.Status.Drill)
	})
	assert.Contains(t, s.Status.Drill.Message, "NameClash: CRMEnvironment "+theirs.Name)
	in.until(t, "the result is there", func() error {
		return in.Get(t.Context(), client.ObjectKey{Namespace: s.Namespace, Name: s.Status.Drill.Name}, &corev1.ConfigMap{})
	})
	require.NoError(t, in.Delete(t.Context(), s))
	in.gone(t, s)
	in.comesTo(t, theirs, "True Succeeded")
}

// resultsOf are signed results of earlier drills, oldest first.
func resultsOf(name, namespace string, count int) []corev1.ConfigMap {
	s := &v1alpha1.CRMBackupSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	results := make([]corev1.ConfigMap, count)
	for i := range results {
		at := time.Date(2020, 1, 1, i, 0, 0, 0, time.UTC)
		results[i].ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: naming.Drill(name, schedule.Minute(at)), Labels: drill.ResultLabels(s)}
	}
	return results
}

func takenResultIsNamed(t *testing.T, in *installation) {
	p := in.protected(t, "crowded")
	s := p.schedule(t, "empty", func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Schedule, s.Spec.State = rarely, "Suspended" })
	d := drilled{protected: p, copy: p}
	theirs := map[string]string{"kept": "by somebody"}
	for minute := range 5 { // One of them is the next drill's name.
		name := naming.Drill(s.Name, schedule.Minute(time.Now().Add(time.Duration(minute)*time.Minute)))
		in.create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}, Data: theirs})
	}
	edit(t, in, s, func(s *v1alpha1.CRMBackupSchedule) {
		s.Spec.State, s.Spec.Drill = "Active", &v1alpha1.RestoreDrill{Schedule: often}
	})
	d.begins(t, s, "")
	in.scheduleComesTo(t, s, "Reconciling NameClash")
	ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady)
	assert.Contains(t, ready.Message, "ConfigMap "+s.Status.Drill.Name+" exists and is not crmkeep's")
	assert.Contains(t, d.event(t, s, v1alpha1.ReasonNameClash), "no other drill begins; delete or rename it")

	foreign := &corev1.ConfigMap{}
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: s.Namespace, Name: s.Status.Drill.Name}, foreign))
	assert.Equal(t, theirs, foreign.Data)
	assert.Empty(t, foreign.Labels)
	require.NoError(t, in.Delete(t.Context(), foreign))
	in.scheduleComesTo(t, s, "True Succeeded")
	in.until(t, "the result is there", func() error {
		return in.Get(t.Context(), client.ObjectKeyFromObject(foreign), foreign)
	})
	assert.Equal(t, evidence.VerdictFailed, d.result(t, foreign.Name).Verdict)
}

func deletedScheduleEndsItsDrill(t *testing.T, in *installation) {
	d := in.drilled(t, "leaving", "nightly")
	s := d.drill(t, "nightly")
	d.copy.run(t, "restore."+naming.SourceRestore(d.copy.env.Name))
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(s), s))
	require.NoError(t, in.Delete(t.Context(), s.DeepCopy()))
	d.nothingOfTheDrillIsLeft(t, s)
	in.gone(t, s.DeepCopy())
	assert.False(t, meta.IsStatusConditionTrue(d.env.Status.Conditions, v1alpha1.ConditionBackupHealthy))
	in.comesTo(t, d.env, "True Succeeded")
}

// ofDrills are the writes about a drill, but for those that its environment takes to come up.
func ofDrills(path string) bool {
	return strings.Contains(path, "/crmbackupschedules/") || strings.Contains(path, "-drill-") || strings.Contains(path, "/crmbackups/") ||
		strings.Contains(path, "/jobs/check-") || strings.HasSuffix(path, "/crmrestores") || strings.HasSuffix(path, "/crmenvironments") ||
		strings.HasSuffix(path, "/"+naming.DrillEnvironment("nightly"))
}

// Each operator is killed after its first write of a drill, and the next one goes on: whatever was written last, the drill comes to its
// end, with one result, and nothing of it is left.
func drillOutlivesItsOperators(t *testing.T, in *installation) {
	stop := in.operate(t)
	d := in.drilled(t, "undying", "nightly")
	s := d.drill(t, "nightly")
	stop()
	lives := 0
	for ended := false; !ended; lives++ {
		died, bury := in.mortalOperator(t, 1, ofDrills)
		ended = d.playDrill(t, s, died)
		bury()
	}
	assert.Greater(t, lives, 8, "it is a story of many writes")

	in.operate(t)
	told := d.ends(t, s, v1alpha1.PhaseComplete)
	assert.Equal(t, evidence.VerdictPassed, told.Verdict)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(d.backup), d.backup))
	assert.Equal(t, told.EndedAt, d.backup.Annotations[naming.AnnotationProvenAt])
}

// playDrill plays the runs of a drill until its operator dies, or until its restore is gone, which is the end.
func (d drilled) playDrill(t *testing.T, s *v1alpha1.CRMBackupSchedule, died <-chan struct{}) (ended bool) {
	t.Helper()
	source := naming.SourceRestore(d.copy.env.Name)
	d.until(t, "the operator dies or the drill is over", func() error {
		select {
		case <-died:
			return nil
		default:
		}
		for run, message := range map[string]string{"restore." + source: restored, "drop." + source: "{}", "check.nightly": ""} {
			if d.copy.isRunning(t, run) {
				d.copy.tells(t, run, 0, message)
			}
		}
		if err := d.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			return err
		}
		err := d.Get(t.Context(), client.ObjectKey{Namespace: s.Namespace, Name: s.Status.Drill.Name}, &v1alpha1.CRMRestore{})
		ended = s.Status.Drill.Phase == v1alpha1.PhaseComplete && apierrors.IsNotFound(err)
		return mustBe(ended, "%v, its restore: %v", s.Status.Drill, err)
	})
	return ended
}

// isRunning tells whether the pod of a run is there and has not ended.
func (p protected) isRunning(t *testing.T, of string) bool {
	t.Helper()
	var pods corev1.PodList
	require.NoError(t, p.List(t.Context(), &pods, client.InNamespace(workloadNamespace(p.env)), client.MatchingLabels{naming.LabelRunOf: of}))
	return slices.ContainsFunc(pods.Items, func(pod corev1.Pod) bool {
		return pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil
	})
}
