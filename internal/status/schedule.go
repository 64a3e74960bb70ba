package status

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// SchedulePass is what one pass over a schedule came to.
type SchedulePass struct {
	// Err says why the schedule makes no backups; nil when it does.
	Err error
	// Next is when the next backup begins; zero when none will.
	Next time.Time
	// Interval between two backups.
	Interval time.Duration
	// Backups are those that the schedule has made.
	Backups []v1alpha1.CRMBackup
	// Care is the run that has ended, nil when none has.
	Care *facts.Run
	// Drill is about the drills.
	Drill DrillPass
}

// Schedule folds a pass into the schedule's new status.
func Schedule(b *v1alpha1.CRMBackupSchedule, p SchedulePass, now metav1.Time) v1alpha1.CRMBackupScheduleStatus {
	s := *b.Status.DeepCopy()
	s.ObservedGeneration, s.NextBackup = b.Generation, nil
	w := writer{conditions: &s.Conditions, generation: b.Generation, now: now}
	if newest := newestEnded(p.Backups); newest != nil && newest.Status.Phase != v1alpha1.PhaseFailed {
		s.LastBackup = newest.Status.CompletedAt
	}
	if !p.Next.IsZero() {
		next := metav1.NewTime(p.Next)
		s.NextBackup = &next
	}
	if p.Care != nil {
		care(&s, w, p.Care)
	}
	drills(&s, p.Drill)
	switch blocked := p.Drill.blocked(); {
	case isReason(p.Err, v1alpha1.ReasonScheduleSuspended):
		w.ready(blocked, v1alpha1.ReasonScheduleSuspended)
	case p.Err == nil:
		w.ready(blocked, v1alpha1.ReasonSucceeded)
	default:
		w.ready(p.Err, "")
	}
	w.set(condition{kind: v1alpha1.ConditionBackupHealthy, err: health(b, &s, p, now)})
	return s
}

// care writes down what a look into the repositories has found. It counts as done only when all of its work was.
func care(s *v1alpha1.CRMBackupScheduleStatus, w writer, run *facts.Run) {
	told, err := Report(run)
	if err == nil && told.Reason != "" {
		err = ended(told, v1alpha1.ReasonRunFailed, nil)
	}
	if problems := damage(told); problems != "" {
		err = outcome.Wait(v1alpha1.ReasonRepositoryDamaged, 0,
			"%s; restore from another location, and replace the damaged repository by a new one", problems)
	}
	if err == nil {
		at := metav1.NewTime(run.Completed)
		s.LastCare = &at
	}
	w.set(condition{kind: v1alpha1.ConditionRepositoriesHealthy, err: err})
}

func damage(told result.Result) string {
	var problems []string
	for _, l := range told.Locations {
		for _, p := range l.Problems {
			problems = append(problems, l.Name+": "+p)
		}
	}
	return strings.Join(problems, "; ")
}

// newestEnded is the newest backup that has ended, however.
func newestEnded(backups []v1alpha1.CRMBackup) *v1alpha1.CRMBackup {
	var newest *v1alpha1.CRMBackup
	for i := range backups {
		if at := backups[i].Status.CompletedAt; at != nil && (newest == nil || at.After(newest.Status.CompletedAt.Time)) {
			newest = &backups[i]
		}
	}
	return newest
}

// Ahead is the backup that has ended furthest in the future, nil when none has.
func Ahead(backups []v1alpha1.CRMBackup, now time.Time) *v1alpha1.CRMBackup {
	if newest := newestEnded(backups); newest != nil && clock.IsAhead(newest.Status.CompletedAt.Time, now) {
		return newest
	}
	return nil
}

// health says what keeps the environment from being safe with this schedule, the worst first.
func health(b *v1alpha1.CRMBackupSchedule, s *v1alpha1.CRMBackupScheduleStatus, p SchedulePass, now metav1.Time) error {
	if p.Err != nil && !isReason(p.Err, v1alpha1.ReasonProgressing) {
		reason, message := explain(p.Err)
		return outcome.Wait(v1alpha1.ReasonNoSchedule, 0, "schedule %s makes no backups (%s): %s", b.Name, reason, message)
	}
	if s.LastBackup == nil {
		return outcome.Wait(v1alpha1.ReasonNoBackup, 0, "schedule %s has made no complete backup yet; kubectl get crmbackups", b.Name)
	}
	if b := Ahead(p.Backups, now.Time); b != nil {
		return outcome.Wait(v1alpha1.ReasonClockSkewed, 0,
			"CRMBackup %s ended at %s, which is in the future: a clock was wrong, or is. Until then no backup is given up, and nothing tells of one "+
				"that is too old; once the clocks are right, delete its record to go on", b.Name, b.Status.CompletedAt.UTC().Format(time.RFC3339))
	}
	if age, objective := now.Sub(s.LastBackup.Time), Objective(b, p.Interval); age > objective {
		return outcome.Wait(v1alpha1.ReasonBackupTooOld, 0, "the newest backup of schedule %s is of %s, and the objective is %s",
			b.Name, s.LastBackup.UTC().Format(time.RFC3339), objective)
	}
	if newest := newestEnded(p.Backups); newest != nil && newest.Status.Phase != v1alpha1.PhaseComplete {
		return outcome.Wait(v1alpha1.ReasonLocationFailed, 0, "CRMBackup %s: %s", newest.Name, verdictOf(newest))
	}
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionRepositoriesHealthy); c != nil && c.Status == metav1.ConditionFalse {
		return outcome.Wait(v1alpha1.ReasonLocationFailed, 0, "%s", c.Message)
	}
	return proof(b, s, p.Drill, now)
}

func verdictOf(b *v1alpha1.CRMBackup) string {
	if c := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		return c.Message
	}
	return fmt.Sprintf("it is %s", b.Status.Phase)
}

// Objective is how old the newest backup may be.
func Objective(b *v1alpha1.CRMBackupSchedule, interval time.Duration) time.Duration {
	if o := b.Spec.Objectives; o != nil && o.RPOSeconds != nil {
		return time.Duration(*o.RPOSeconds) * time.Second
	}
	return 2 * interval
}

// ScheduleDeleting folds a step of the teardown into the status.
func ScheduleDeleting(b *v1alpha1.CRMBackupSchedule, err error, now metav1.Time) v1alpha1.CRMBackupScheduleStatus {
	s := *b.Status.DeepCopy()
	s.ObservedGeneration = b.Generation
	writer{conditions: &s.Conditions, generation: b.Generation, now: now}.ready(err, v1alpha1.ReasonDeleting)
	return s
}
