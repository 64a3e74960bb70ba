// Package check plans the Job that proves that what a drill has restored works, and reads what came of it. It is pure.
package check

import (
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
)

// deadlineSeconds for all checks together.
const deadlineSeconds int64 = 1800

// JobName is the name of the Job that makes the checks of the drills of owner, a CRMBackupSchedule.
func JobName(owner string) string { return naming.Run(naming.RunCheck, owner) }

// Objects plans the run that makes the class's checks in a drill's environment, for owner, a CRMBackupSchedule, whose controller is told
// of it by naming.RunOf(naming.RunCheck, owner). The identity that it runs as is part of the environment. A class without checks has
// none to plan. The error is about a template of the class.
func Objects(t *target.Target, owner string) ([]object.Object, error) {
	if len(t.Class.Checks) == 0 {
		return nil, nil
	}
	template, err := workload.CheckPod(t)
	if err != nil {
		return nil, err
	}
	l := object.Labels(t.Tenant, t.Environment)
	l[naming.LabelComponent] = naming.ComponentCheck
	l[naming.LabelRun], l[naming.LabelRunOf] = JobName(owner), naming.RunOf(naming.RunCheck, owner)
	job := batchv1ac.Job(JobName(owner), t.Namespace).
		WithLabels(l).
		WithSpec(batchv1ac.JobSpec().
			// A check that has to be tried twice proves nothing.
			WithBackoffLimit(0).
			WithActiveDeadlineSeconds(deadlineSeconds).
			WithTemplate(template.WithLabels(l)))
	return []object.Object{{Configuration: job, CreateOnly: true}}, nil
}
