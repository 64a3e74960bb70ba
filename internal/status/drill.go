package status

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/schedule"
)

// DrillPass is what one pass over a schedule's drills came to.
type DrillPass struct {
	// Newest is how the newest drill goes or went; nil when there was none.
	Newest *v1alpha1.DrillStatus
	// Backup that it restored; nil when none was chosen, and when its record is gone.
	Backup *v1alpha1.CRMBackup
	// Next is when the next one begins; zero when none will.
	Next time.Time
	// Interval between two drills; zero when none are declared.
	Interval time.Duration
	// ResultClash says which foreign object has the name of the newest drill's result; empty when none has.
	ResultClash string
}

// blocked says what keeps the newest drill from its end, and with it the next one from its beginning.
func (p DrillPass) blocked() error {
	if p.ResultClash == "" {
		return nil
	}
	return outcome.Wait(v1alpha1.ReasonNameClash, 0,
		"%s exists and is not crmkeep's, so the result of drill %s cannot be kept and no other drill begins; delete or rename it", p.ResultClash, p.Newest.Name)
}

// drills writes down how the newest drill went. What was measured stays until another has passed.
func drills(s *v1alpha1.CRMBackupScheduleStatus, p DrillPass) {
	s.NextDrill = nil
	if !p.Next.IsZero() {
		next := metav1.NewTime(p.Next)
		s.NextDrill = &next
	}
	if p.Newest == nil {
		return
	}
	s.Drill = p.Newest.DeepCopy()
	if s.Drill.Phase != v1alpha1.PhaseComplete {
		return
	}
	took := schedule.Seconds(schedule.RTO(s.Drill.Stages))
	s.LastProven, s.MeasuredRTOSeconds = s.Drill.CompletedAt, &took
	if lost, known := schedule.RPO(*s.Drill, p.Backup); known {
		seconds := schedule.Seconds(lost)
		s.MeasuredRPOSeconds = &seconds
	}
}

// provenFor is for how many intervals of its drills a schedule's backups count as proven.
const provenFor = 2

// ProvenUntil is when the proof of the schedule's backups is too old; zero when there is none, or nothing says how old it may be.
func ProvenUntil(s *v1alpha1.CRMBackupScheduleStatus, interval time.Duration) time.Time {
	if s.LastProven == nil || interval == 0 {
		return time.Time{}
	}
	return s.LastProven.Add(provenFor * interval)
}

// proof says what keeps the schedule's backups from being proven to restore, as its objectives ask.
func proof(b *v1alpha1.CRMBackupSchedule, s *v1alpha1.CRMBackupScheduleStatus, p DrillPass, now metav1.Time) error {
	if b.Spec.Drill == nil {
		return outcome.Wait(v1alpha1.ReasonNeverProven, 0, "schedule %s declares no drill, so nothing proves that its backups restore; set spec.drill", b.Name)
	}
	if d := s.Drill; d != nil && d.Phase == v1alpha1.PhaseFailed {
		return outcome.Wait(v1alpha1.ReasonDrillFailed, 0, "drill %s of schedule %s has failed: %s", d.Name, b.Name, d.Message)
	}
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionBackupHealthy); c != nil && c.Reason == v1alpha1.ReasonDrillFailed {
		if s.Drill != nil && s.Drill.Phase == v1alpha1.PhaseRunning {
			return outcome.Wait(c.Reason, 0, "%s", c.Message) // It is not mended by another one having begun.
		}
	}
	if s.LastProven == nil {
		return outcome.Wait(v1alpha1.ReasonNeverProven, 0, "no backup of schedule %s was ever restored in a drill", b.Name)
	}
	if until := ProvenUntil(s, p.Interval); !until.IsZero() && now.After(until) {
		return outcome.Wait(v1alpha1.ReasonProvenTooOld, 0, "the last drill of schedule %s that has passed is of %s, more than two of its intervals ago",
			b.Name, s.LastProven.UTC().Format(time.RFC3339))
	}
	return fastEnough(b, s)
}

func fastEnough(b *v1alpha1.CRMBackupSchedule, s *v1alpha1.CRMBackupScheduleStatus) error {
	o := b.Spec.Objectives
	if o == nil || o.RTOSeconds == nil || s.MeasuredRTOSeconds == nil || *s.MeasuredRTOSeconds <= *o.RTOSeconds {
		return nil
	}
	return outcome.Wait(v1alpha1.ReasonDrillTooSlow, 0, "the last drill of schedule %s took %d seconds, and objectives.rtoSeconds is %d",
		b.Name, *s.MeasuredRTOSeconds, *o.RTOSeconds)
}
