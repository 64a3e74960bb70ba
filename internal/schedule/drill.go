package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// DrillStep is what a drill needs next. Each may be repeated: whoever is interrupted does it again.
type DrillStep int

const (
	// DrillRest is when nothing of a drill is there.
	DrillRest DrillStep = iota
	// DrillBegin is when its status is all that there is of it.
	DrillBegin
	// DrillWait is when something of it goes on, or has to be made room for by somebody.
	DrillWait
	// DrillRestore makes its CRMRestore.
	DrillRestore
	// DrillCheck makes the Job of its checks.
	DrillCheck
	// DrillRecord writes what came of it where it stays.
	DrillRecord
	// DrillClear removes what is left of it, and results that are too old.
	DrillClear
)

// DrillResults is how many signed results of a schedule are kept.
const DrillResults = 10

// StageChecks is the last stage of a drill, after those of its CRMRestore.
const StageChecks = "Checks"

// BeginDrill gives the status of a drill that begins now and was due at a time.
func BeginDrill(schedule string, due, now time.Time) v1alpha1.DrillStatus {
	return v1alpha1.DrillStatus{
		Name: naming.Drill(schedule, Minute(due)), Phase: v1alpha1.PhaseRunning,
		ScheduledAt: metav1.NewTime(due), StartedAt: metav1.NewTime(now),
	}
}

// NextDrill decides how the newest drill goes on from what was seen of it: its new status, to be written first, and the step to be done
// then. A drill runs for at most the timeout. Its verdict is in the status before anything of it is removed, and what it has left
// behind is removed before there is another.
func NextDrill(d v1alpha1.DrillStatus, seen facts.Drill, now time.Time, timeout time.Duration) (v1alpha1.DrillStatus, DrillStep) {
	switch {
	case d.Phase != v1alpha1.PhaseRunning:
		return d, afterVerdict(d, seen)
	case now.Sub(d.StartedAt.Time).Abs() >= timeout: // Either way: a clock may have been set.
		return failDrill(d, now, v1alpha1.ReasonDrillTimeout, fmt.Sprintf("it was not over after %s: %s", timeout, whereItIs(seen)))
	case seen.Restore == nil || !seen.Restore.DeletionTimestamp.IsZero():
		return beginRestore(d, seen, now)
	}
	restore := seen.Restore.Status
	d.Backup, d.Stages = cmp.Or(restore.Backup, d.Backup), slices.Clone(restore.Stages)
	switch restore.Phase {
	case v1alpha1.PhaseRefused, v1alpha1.PhaseFailed:
		reason, message := ready(seen.Restore.Status.Conditions)
		return failDrill(d, now, cmp.Or(reason, v1alpha1.ReasonDrillFailed), message)
	case v1alpha1.PhaseComplete:
		return checkDrill(d, seen, now)
	}
	return d, DrillWait
}

func afterVerdict(d v1alpha1.DrillStatus, seen facts.Drill) DrillStep {
	switch {
	case seen.ResultClash != "":
		return DrillWait
	case !slices.Contains(seen.Results, d.Name):
		return DrillRecord
	case seen.Restore != nil || seen.Environment != nil || len(seen.Results) > DrillResults:
		return DrillClear
	}
	return DrillRest
}

func beginRestore(d v1alpha1.DrillStatus, seen facts.Drill, now time.Time) (v1alpha1.DrillStatus, DrillStep) {
	switch {
	case d.Backup != "":
		return failDrill(d, now, v1alpha1.ReasonDrillFailed, "somebody has deleted its CRMRestore")
	case seen.Clash != "":
		return failDrill(d, now, v1alpha1.ReasonNameClash, seen.Clash+" exists and is not a drill's; delete or rename it")
	case !seen.Usable:
		return failDrill(d, now, v1alpha1.ReasonNoBackup, "there is no complete backup that could be restored; see kubectl get crmbackups")
	}
	return d, DrillRestore
}

func checkDrill(d v1alpha1.DrillStatus, seen facts.Drill, now time.Time) (v1alpha1.DrillStatus, DrillStep) {
	switch checks := seen.Checks; {
	case seen.Environment == nil || !seen.Environment.DeletionTimestamp.IsZero():
		return failDrill(d, now, v1alpha1.ReasonDrillFailed, "somebody has deleted its environment")
	case !seen.HasChecks:
		return passDrill(d, now)
	case checks == nil:
		return d, DrillCheck
	case !checks.Ended:
		return d, DrillWait
	case !checks.Passed:
		return failDrill(d, now, v1alpha1.ReasonCheckFailed, checks.Message)
	default:
		d.Stages = append(d.Stages, v1alpha1.RecoveryStage{Name: StageChecks, Milliseconds: checks.Took.Milliseconds()})
		return passDrill(d, now)
	}
}

func passDrill(d v1alpha1.DrillStatus, now time.Time) (v1alpha1.DrillStatus, DrillStep) {
	at := metav1.NewTime(now)
	d.Phase, d.CompletedAt = v1alpha1.PhaseComplete, &at
	return d, DrillRecord
}

// maxDrillMessage is the API's limit, with room for an ellipsis.
const maxDrillMessage = 990

func failDrill(d v1alpha1.DrillStatus, now time.Time, reason, message string) (v1alpha1.DrillStatus, DrillStep) {
	at := metav1.NewTime(now)
	d.Phase, d.CompletedAt, d.Message = v1alpha1.PhaseFailed, &at, reason+": "+message
	if len(d.Message) > maxDrillMessage {
		d.Message = strings.ToValidUTF8(d.Message[:maxDrillMessage], "") + "…"
	}
	return d, DrillRecord
}

// whereItIs says what a drill waits for.
func whereItIs(seen facts.Drill) string {
	switch {
	case seen.Restore == nil:
		return "its CRMRestore was not made"
	case seen.Restore.Status.Phase == v1alpha1.PhaseComplete:
		return "the checks go on"
	}
	reason, message := ready(seen.Restore.Status.Conditions)
	return fmt.Sprintf("the restore is not complete (%s): %s", reason, message)
}

func ready(conditions []metav1.Condition) (reason, message string) {
	if c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); c != nil {
		return c.Reason, c.Message
	}
	return "", "nothing is known of it yet"
}

// RTO is how long a recovery took in all.
func RTO(stages []v1alpha1.RecoveryStage) time.Duration {
	var all int64
	for _, s := range stages {
		all += s.Milliseconds
	}
	return time.Duration(all) * time.Millisecond
}

// RPO is how much work would have been lost, had the data been lost when the drill began. That may be long after it was due, and the backup
// be from between. It is not known without the backup's record.
func RPO(d v1alpha1.DrillStatus, b *v1alpha1.CRMBackup) (time.Duration, bool) {
	if b == nil || b.Status.StartedAt == nil {
		return 0, false
	}
	return max(0, d.StartedAt.Sub(b.Status.StartedAt.Time)), true
}

// Seconds of what was measured, rounded up: it is not made better than it was.
func Seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
