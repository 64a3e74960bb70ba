package status

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// NewEnvironmentPass is what one pass over a restore into a new environment came to.
type NewEnvironmentPass struct {
	// Backup that was chosen; empty when none was.
	Backup string
	// Begin tells that nothing speaks against the restore and the environment is to be made.
	Begin bool
	// Err says why the environment is not made, or cannot come; an outcome.Invalid ends the restore.
	Err error
	// Environment that was made, nil as long as it is not seen, and Filling the restore that fills it.
	Environment *v1alpha1.CRMEnvironment
	Filling     *v1alpha1.CRMRestore
}

// RestoreIntoNew folds a pass over a restore that has not ended into its new status.
func RestoreIntoNew(r *v1alpha1.CRMRestore, p NewEnvironmentPass, now metav1.Time) v1alpha1.CRMRestoreStatus {
	s := *r.Status.DeepCopy()
	s.ObservedGeneration, s.Backup = r.Generation, cmp.Or(p.Backup, s.Backup)
	w := writer{conditions: &s.Conditions, generation: r.Generation, now: now}
	recovered(&s, p)
	switch {
	case p.Err != nil:
		holdRestore(&s, w, p.Err, now)
	case p.Begin:
		s.Phase, s.StartedAt = v1alpha1.PhaseChecking, &now
		w.ready(outcome.Wait(v1alpha1.ReasonProgressing, 0, "the environment is made"), "")
	case p.Environment != nil:
		followNew(&s, w, p.Environment, now)
	}
	return s
}

func followNew(s *v1alpha1.CRMRestoreStatus, w writer, env *v1alpha1.CRMEnvironment, now metav1.Time) {
	ready := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case IsReady(env):
		s.Phase, s.CompletedAt = v1alpha1.PhaseComplete, &now
		w.ready(nil, v1alpha1.ReasonSucceeded)
	case ready == nil || ready.Message == "":
		s.Phase = v1alpha1.PhaseRunning
		w.ready(outcome.Wait(v1alpha1.ReasonProgressing, 0, "CRMEnvironment %s was declared", env.Name), "")
	default:
		s.Phase = v1alpha1.PhaseRunning
		w.ready(outcome.Wait(ready.Reason, 0, "CRMEnvironment %s: %s%s", env.Name, ready.Message, awaited(s, ready)), "")
	}
}

// awaited tells since when an environment is waited for that something is in the way of. There is no deadline: whoever mends it on a bad
// day should not have to begin again. The time of day and not how long ago it is, because that would be another message every time.
func awaited(s *v1alpha1.CRMRestoreStatus, ready *metav1.Condition) string {
	if s.StartedAt == nil || ready.Reason == v1alpha1.ReasonProgressing {
		return ""
	}
	return fmt.Sprintf(" (waited for since %s; the restore goes on once that is mended, and deleting the environment gives it up)",
		s.StartedAt.UTC().Format(time.RFC3339))
}

// IsReady tells whether an environment is as it is declared now.
func IsReady(env *v1alpha1.CRMEnvironment) bool {
	c := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionReady)
	return c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration == env.Generation
}

// recovered adds the stages that have ended.
func recovered(s *v1alpha1.CRMRestoreStatus, p NewEnvironmentPass) {
	if p.Environment == nil || s.StartedAt == nil {
		return
	}
	conditions := p.Environment.Status.Conditions
	if c := meta.FindStatusCondition(conditions, v1alpha1.ConditionDatabaseReady); c != nil && c.Status == metav1.ConditionTrue {
		addStage(s, stageEnvironment, s.StartedAt.Time, c.LastTransitionTime.Time)
	}
	if p.Filling == nil || p.Filling.Status.CompletedAt == nil {
		return
	}
	for _, stage := range p.Filling.Status.Stages {
		if stage.Name == stageRestore && !hasStage(s, stageRestore) {
			s.Stages = append(s.Stages, stage)
		}
	}
	if c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); IsReady(p.Environment) {
		addStage(s, stageStart, p.Filling.Status.CompletedAt.Time, c.LastTransitionTime.Time)
	}
}
