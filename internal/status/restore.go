package status

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// RestorePass is what one pass over a restore came to.
type RestorePass struct {
	// Backup that was chosen; empty when none was.
	Backup string
	// Begin tells that nothing speaks against the restore and the application is to stop.
	Begin bool
	// Err says why there is no run, or why what was replaced is still there; an outcome.Invalid ends the restore.
	Err error
	// Run is the restore's, nil when there is none.
	Run *facts.Run
}

// Restore folds a pass over a restore that has not ended into its new status.
func Restore(r *v1alpha1.CRMRestore, p RestorePass, now metav1.Time) v1alpha1.CRMRestoreStatus {
	s := *r.Status.DeepCopy()
	s.ObservedGeneration, s.Backup = r.Generation, cmp.Or(p.Backup, s.Backup)
	w := writer{conditions: &s.Conditions, generation: r.Generation, now: now}
	switch {
	case p.Run != nil && p.Run.Ended:
		endRestore(&s, w, r, p.Run, now)
	case p.Run != nil:
		w.ready(goesOn(p.Run), "")
	case p.Err != nil:
		holdRestore(&s, w, p.Err, now)
	case p.Begin:
		s.Phase, s.StartedAt = v1alpha1.PhaseRunning, &now
		w.ready(outcome.Wait(v1alpha1.ReasonStopping, 0, "waiting for the application to stop"), "")
	}
	return s
}

// holdRestore says why a restore goes no further: for good, which it has failed by if it had begun and else is refused by, or for now.
func holdRestore(s *v1alpha1.CRMRestoreStatus, w writer, err error, now metav1.Time) {
	_, invalid := outcome.AsInvalid(err)
	switch {
	case invalid && s.StartedAt != nil:
		failRestore(s, w, v1alpha1.PhaseFailed, err, now)
	case invalid:
		failRestore(s, w, v1alpha1.PhaseRefused, err, now)
	default:
		s.Phase = cmp.Or(s.Phase, v1alpha1.PhasePending)
		w.ready(err, "")
	}
}

func failRestore(s *v1alpha1.CRMRestoreStatus, w writer, phase string, err error, now metav1.Time) {
	s.Phase, s.CompletedAt = phase, &now
	w.ready(err, "")
}

// defaultKeep is how long a replaced database is kept without confirmation.
const defaultKeep = 7 * 24 * time.Hour

func endRestore(s *v1alpha1.CRMRestoreStatus, w writer, r *v1alpha1.CRMRestore, run *facts.Run, now metav1.Time) {
	told, err := Report(run)
	if err == nil && told.Reason != "" {
		err = ended(told, v1alpha1.ReasonRunFailed, nil)
	}
	if err != nil {
		phase := v1alpha1.PhaseFailed
		if told.Refused {
			phase = v1alpha1.PhaseRefused
		}
		failRestore(s, w, phase, err, now)
		return
	}
	s.Phase, s.CompletedAt = v1alpha1.PhaseComplete, completedAt(run, now)
	until := metav1.NewTime(s.CompletedAt.Add(keep(r)))
	s.KeptUntil = &until
	if !target.IsFilling(r) && s.StartedAt != nil {
		addStage(s, stageStop, s.StartedAt.Time, run.Started)
	}
	addStage(s, stageRestore, run.Started, s.CompletedAt.Time)
	w.ready(nil, v1alpha1.ReasonSucceeded)
}

// keep is how long what a restore has replaced is kept without confirmation: an empty database for no time.
func keep(r *v1alpha1.CRMRestore) time.Duration {
	switch {
	case target.IsFilling(r):
		return 0
	case r.Spec.KeepSeconds != nil:
		return time.Duration(*r.Spec.KeepSeconds) * time.Second
	}
	return defaultKeep
}

// Stages of a recovery.
const (
	stageEnvironment = "Environment"
	stageStop        = "Stop"
	stageRestore     = "Restore"
	stageStart       = "Start"
)

// addStage adds one that has ended, once.
func addStage(s *v1alpha1.CRMRestoreStatus, name string, from, to time.Time) {
	if hasStage(s, name) || from.IsZero() || to.IsZero() {
		return
	}
	s.Stages = append(s.Stages, v1alpha1.RecoveryStage{Name: name, Milliseconds: max(to.Sub(from), 0).Milliseconds()})
}

func hasStage(s *v1alpha1.CRMRestoreStatus, name string) bool {
	return slices.ContainsFunc(s.Stages, func(stage v1alpha1.RecoveryStage) bool { return stage.Name == name })
}

// RestoreKept folds a look at a restore that has succeeded: what it replaced is there still, or not.
func RestoreKept(r *v1alpha1.CRMRestore, dropped bool) v1alpha1.CRMRestoreStatus {
	s := *r.Status.DeepCopy()
	s.ObservedGeneration = r.Generation
	for i := range s.Conditions {
		s.Conditions[i].ObservedGeneration = r.Generation
	}
	if dropped {
		s.KeptUntil = nil
	}
	return s
}

// RestoreStarted folds a look at the environment of a restore that has succeeded: how long it took until the application ran again.
func RestoreStarted(r *v1alpha1.CRMRestore, env *v1alpha1.CRMEnvironment) v1alpha1.CRMRestoreStatus {
	s := *r.Status.DeepCopy()
	ready := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionReady)
	if IsReady(env) && !ready.LastTransitionTime.Before(s.CompletedAt) {
		addStage(&s, stageStart, s.CompletedAt.Time, ready.LastTransitionTime.Time)
	}
	return s
}

// HasStarted tells whether it is known how long the application took to run again.
func HasStarted(r *v1alpha1.CRMRestore) bool { return hasStage(&r.Status, stageStart) }

// RestoreTakenBack is the status of a restore that is being deleted, once nothing of it is left in the environment.
func RestoreTakenBack(r *v1alpha1.CRMRestore, now metav1.Time) v1alpha1.CRMRestoreStatus {
	s := *r.Status.DeepCopy()
	s.KeptUntil = nil
	if s.Phase == v1alpha1.PhaseRunning {
		s.Phase, s.CompletedAt = v1alpha1.PhaseFailed, &now
	}
	return s
}

// RestoreDeleting folds a step of the teardown into the status.
func RestoreDeleting(r *v1alpha1.CRMRestore, err error, now metav1.Time) v1alpha1.CRMRestoreStatus {
	s := *r.Status.DeepCopy()
	s.ObservedGeneration = r.Generation
	writer{conditions: &s.Conditions, generation: r.Generation, now: now}.ready(err, v1alpha1.ReasonDeleting)
	return s
}
