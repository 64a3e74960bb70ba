package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/schedule"
)

const drillTimeout = 2 * time.Hour

var (
	due   = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	began = due.Add(time.Minute)
)

func running(change ...func(*v1alpha1.DrillStatus)) v1alpha1.DrillStatus {
	d := schedule.BeginDrill("nightly", due, began)
	for _, c := range change {
		c(&d)
	}
	return d
}

func restore(phase string, change ...func(*v1alpha1.CRMRestore)) *v1alpha1.CRMRestore {
	r := &v1alpha1.CRMRestore{Status: v1alpha1.CRMRestoreStatus{
		Phase: phase, Backup: "nightly-1", Stages: []v1alpha1.RecoveryStage{{Name: "Environment", Milliseconds: 1500}, {Name: "Restore", Milliseconds: 2000}},
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: "VerifyFailed", Message: "a table is not what was backed up"}},
	}}
	for _, c := range change {
		c(r)
	}
	return r
}

func deleting(r *v1alpha1.CRMRestore) { r.DeletionTimestamp = &metav1.Time{Time: began} }

func TestADrillThatBeginsIsNamedAfterTheMinuteThatItWasDueAt(t *testing.T) {
	d := schedule.BeginDrill("nightly", due, began)
	assert.Equal(t, "nightly-drill-202611220300", d.Name)
	assert.Equal(t, v1alpha1.PhaseRunning, d.Phase)
	assert.Equal(t, due, d.ScheduledAt.Time)
	assert.Equal(t, began, d.StartedAt.Time)
}

func TestWhatADrillNeedsNext(t *testing.T) {
	environment := &v1alpha1.CRMEnvironment{}
	for sentence, c := range map[string]struct {
		drill v1alpha1.DrillStatus
		seen  facts.Drill
		want  schedule.DrillStep
	}{
		"its restore is made": {running(), facts.Drill{Usable: true}, schedule.DrillRestore},
		"a new restore waits": {running(), facts.Drill{Restore: restore("")}, schedule.DrillWait},
		"a restore that runs is waited for, whatever became of the backup since": {
			running(), facts.Drill{Restore: restore(v1alpha1.PhaseRunning), Environment: environment}, schedule.DrillWait},
		"what was restored is checked": {
			running(), facts.Drill{Restore: restore(v1alpha1.PhaseComplete), Environment: environment, HasChecks: true}, schedule.DrillCheck},
		"checks that go on are waited for": {
			running(), facts.Drill{Restore: restore(v1alpha1.PhaseComplete), Environment: environment, HasChecks: true, Checks: &facts.Checks{}}, schedule.DrillWait},
	} {
		t.Run(sentence, func(t *testing.T) {
			next, step := schedule.NextDrill(c.drill, c.seen, began.Add(time.Minute), drillTimeout)
			assert.Equal(t, c.want, step)
			assert.Equal(t, v1alpha1.PhaseRunning, next.Phase)
			assert.Nil(t, next.CompletedAt)
		})
	}
}

func TestWhatADrillFailsFor(t *testing.T) {
	environment := &v1alpha1.CRMEnvironment{}
	chosen := func(d *v1alpha1.DrillStatus) { d.Backup = "nightly-1" }
	for sentence, c := range map[string]struct {
		drill v1alpha1.DrillStatus
		seen  facts.Drill
		after time.Duration
		want  string
	}{
		"no backup":                    {running(), facts.Drill{}, 0, "NoBackup: there is no complete backup"},
		"somebody else's environment":  {running(), facts.Drill{Usable: true, Clash: "CRMEnvironment drill-1"}, 0, "NameClash: CRMEnvironment drill-1 exists"},
		"a restore that was refused":   {running(), facts.Drill{Restore: restore(v1alpha1.PhaseRefused)}, 0, "VerifyFailed: a table is not what was backed up"},
		"a restore that failed":        {running(), facts.Drill{Restore: restore(v1alpha1.PhaseFailed)}, 0, "VerifyFailed: a table is not what was backed up"},
		"a restore that was deleted":   {running(chosen), facts.Drill{Usable: true}, 0, "DrillFailed: somebody has deleted its CRMRestore"},
		"a restore that is on its way": {running(chosen), facts.Drill{Restore: restore(v1alpha1.PhaseRunning, deleting)}, 0, "DrillFailed: somebody has deleted its CRMRestore"},
		"an environment that was deleted": {
			running(), facts.Drill{Restore: restore(v1alpha1.PhaseComplete)}, 0, "DrillFailed: somebody has deleted its environment"},
		"a check that failed": {
			running(), facts.Drill{Restore: restore(v1alpha1.PhaseComplete), Environment: environment, HasChecks: true,
				Checks: &facts.Checks{Ended: true, Message: "check logs-in failed with exit code 1"}}, 0, "CheckFailed: check logs-in failed with exit code 1"},
		"time, before there was a restore": {running(), facts.Drill{Usable: true}, drillTimeout, "DrillTimeout: it was not over after 2h0m0s: its CRMRestore was not made"},
		"time, in the restore": {
			running(), facts.Drill{Restore: restore(v1alpha1.PhaseRunning)}, drillTimeout, "DrillTimeout: it was not over after 2h0m0s: the restore is not complete (VerifyFailed)"},
		"time, in the checks": {
			running(), facts.Drill{Restore: restore(v1alpha1.PhaseComplete), Environment: environment, HasChecks: true}, drillTimeout, "the checks go on"},
		"a message longer than a status may hold": {
			running(), facts.Drill{Restore: restore(v1alpha1.PhaseFailed, func(r *v1alpha1.CRMRestore) { r.Status.Conditions[0].Message = strings.Repeat("ä", 5000) })}, 0, "VerifyFailed: ää"},
	} {
		t.Run(sentence, func(t *testing.T) {
			now := began.Add(max(c.after, time.Minute))
			next, step := schedule.NextDrill(c.drill, c.seen, now, drillTimeout)
			assert.Equal(t, schedule.DrillRecord, step)
			assert.Equal(t, v1alpha1.PhaseFailed, next.Phase)
			assert.Contains(t, next.Message, c.want)
			assert.LessOrEqual(t, len(next.Message), 1000)
			require.NotNil(t, next.CompletedAt)
			assert.Equal(t, now, next.CompletedAt.Time)
		})
	}
}

func TestADrillPassesWhenItsChecksHave(t *testing.T) {
	seen := facts.Drill{
		Restore: restore(v1alpha1.PhaseComplete), Environment: &v1alpha1.CRMEnvironment{}, HasChecks: true,
		Checks: &facts.Checks{Ended: true, Passed: true, Took: 3 * time.Second},
	}
	next, step := schedule.NextDrill(running(), seen, began.Add(time.Minute), drillTimeout)
	assert.Equal(t, schedule.DrillRecord, step)
	assert.Equal(t, v1alpha1.PhaseComplete, next.Phase)
	assert.Equal(t, "nightly-1", next.Backup)
	assert.Equal(t, v1alpha1.RecoveryStage{Name: "Checks", Milliseconds: 3000}, next.Stages[2])
	assert.Equal(t, 6500*time.Millisecond, schedule.RTO(next.Stages))
	assert.Len(t, seen.Restore.Status.Stages, 2, "what was seen is not changed")

	seen.HasChecks, seen.Checks = false, nil
	next, _ = schedule.NextDrill(running(), seen, began.Add(time.Minute), drillTimeout)
	assert.Equal(t, v1alpha1.PhaseComplete, next.Phase, "a class without checks")
	assert.Len(t, next.Stages, 2)
}

func TestAVerdictIsRecordedBeforeAnythingIsRemoved(t *testing.T) {
	ended, _ := schedule.NextDrill(running(), facts.Drill{}, began, drillTimeout)
	left := facts.Drill{Restore: restore(v1alpha1.PhaseFailed), Environment: &v1alpha1.CRMEnvironment{}}
	next, step := schedule.NextDrill(ended, left, began.Add(24*time.Hour), drillTimeout)
	assert.Equal(t, schedule.DrillRecord, step)
	assert.Equal(t, ended, next, "a verdict stays as it is")

	left.ResultClash = "ConfigMap " + ended.Name
	_, step = schedule.NextDrill(ended, left, began, drillTimeout)
	assert.Equal(t, schedule.DrillWait, step, "somebody has to make room for the result")

	left.ResultClash, left.Results = "", []string{ended.Name}
	_, step = schedule.NextDrill(ended, left, began, drillTimeout)
	assert.Equal(t, schedule.DrillClear, step)
	left.Restore = nil
	_, step = schedule.NextDrill(ended, left, began, drillTimeout)
	assert.Equal(t, schedule.DrillClear, step, "the environment is there still")
	left.Environment = nil
	_, step = schedule.NextDrill(ended, left, began, drillTimeout)
	assert.Equal(t, schedule.DrillRest, step)
	left.Results = append(left.Results, make([]string, schedule.DrillResults)...)
	_, step = schedule.NextDrill(ended, left, began, drillTimeout)
	assert.Equal(t, schedule.DrillClear, step, "there are more results than are kept")
}

// Whatever is seen in whatever order: a verdict is final, and a drill that runs is over at its timeout.
func TestADrillAlwaysEnds(t *testing.T) {
	restores := []*v1alpha1.CRMRestore{nil, restore(""), restore(v1alpha1.PhaseRunning), restore(v1alpha1.PhaseComplete), restore(v1alpha1.PhaseFailed)}
	for _, r := range restores {
		for _, env := range []*v1alpha1.CRMEnvironment{nil, {}} {
			for _, checks := range []*facts.Checks{nil, {}, {Ended: true}, {Ended: true, Passed: true}} {
				seen := facts.Drill{Usable: true, Restore: r, Environment: env, HasChecks: true, Checks: checks}
				ended, _ := schedule.NextDrill(running(), seen, began.Add(drillTimeout), drillTimeout)
				require.NotEqual(t, v1alpha1.PhaseRunning, ended.Phase)
				again, step := schedule.NextDrill(ended, seen, began.Add(2*drillTimeout), drillTimeout)
				require.Equal(t, ended, again)
				require.Contains(t, []schedule.DrillStep{schedule.DrillRecord, schedule.DrillClear, schedule.DrillRest}, step)
			}
		}
	}
}

func TestADrillThatBeganByAClockThatWasAheadDoesNotGoOnForAsLong(t *testing.T) {
	d, _ := schedule.NextDrill(running(), facts.Drill{}, began.Add(-400*24*time.Hour), drillTimeout)
	assert.Equal(t, v1alpha1.PhaseFailed, d.Phase)
	assert.Contains(t, d.Message, v1alpha1.ReasonDrillTimeout)
}

func TestWhatWouldHaveBeenLost(t *testing.T) {
	d := running()
	started := func(at time.Time) *v1alpha1.CRMBackup {
		return &v1alpha1.CRMBackup{Status: v1alpha1.CRMBackupStatus{StartedAt: &metav1.Time{Time: at}}}
	}
	lost, known := schedule.RPO(d, started(began.Add(-90*time.Minute)))
	assert.True(t, known)
	assert.Equal(t, 90*time.Minute, lost)
	d.StartedAt = metav1.Time{Time: began.Add(time.Hour)}
	lost, _ = schedule.RPO(d, started(began))
	assert.Equal(t, time.Hour, lost, "it was made after the drill was due, and the drill began late")
	lost, known = schedule.RPO(d, started(began.Add(2*time.Hour)))
	assert.True(t, known)
	assert.Zero(t, lost, "it was made since")
	_, known = schedule.RPO(d, nil)
	assert.False(t, known)
	_, known = schedule.RPO(d, &v1alpha1.CRMBackup{})
	assert.False(t, known)
	assert.EqualValues(t, 2, schedule.Seconds(1001*time.Millisecond))
	assert.EqualValues(t, 1, schedule.Seconds(time.Second))
}
