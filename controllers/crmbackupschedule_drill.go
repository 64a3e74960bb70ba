package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/metrics"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/check"
	"github.com/crmkeep/crmkeep/internal/plan/drill"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/schedule"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// drillEvery is how often a drill is looked at that no watch has told of.
const drillEvery = 30 * time.Second

// planDrill decides how the schedule's drills go on. A schedule that is invalid or suspended begins none; one that goes on comes to its end.
func (r *Schedules) planDrill(scope *scheduleScope, invalid error) (status.DrillPass, schedule.DrillStep) {
	pass := status.DrillPass{Newest: scope.Status.Drill, Backup: scope.drill.Backup, ResultClash: scope.drill.ResultClash}
	step := schedule.DrillRest
	if pass.Newest != nil {
		var next v1alpha1.DrillStatus
		next, step = schedule.NextDrill(*pass.Newest, scope.drill, scope.now, drill.Timeout(scope.CRMBackupSchedule))
		pass.Newest = &next
	}
	if invalid != nil || scope.Spec.Drill == nil {
		return pass, step
	}
	pass.Next = scope.drills.Next(scope.now.Add(-scope.delay)).Add(scope.delay)
	pass.Interval = scope.drills.Interval(scope.now)
	if step != schedule.DrillRest {
		return pass, step
	}
	last := scope.CreationTimestamp.Time
	if pass.Newest != nil {
		last = pass.Newest.ScheduledAt.Time
	}
	if at, due := scope.drills.Due(last, scope.now, scope.delay, deadline(scope.CRMBackupSchedule)); due {
		begun := schedule.BeginDrill(scope.Name, at, scope.now)
		if slices.Contains(scope.drill.Results, begun.Name) {
			return pass, step // It was, before the clock was set back.
		}
		pass.Newest, pass.Backup, step = &begun, nil, schedule.DrillBegin
	}
	return pass, step
}

// drillOn does the step that the drill needs next, after its status was written.
func (r *Schedules) drillOn(ctx context.Context, scope *scheduleScope, step schedule.DrillStep) error {
	var err error
	switch step {
	case schedule.DrillRest:
		return nil
	case schedule.DrillWait:
	case schedule.DrillBegin:
		return outcome.Wait(v1alpha1.ReasonProgressing, cacheLag, "a drill begins")
	case schedule.DrillRestore:
		err = r.restoreForDrill(ctx, scope)
	case schedule.DrillCheck:
		err = r.checkDrill(ctx, scope)
	case schedule.DrillRecord:
		return r.recordedDrill(ctx, scope)
	case schedule.DrillClear:
		err = errors.Join(r.clearDrill(ctx, scope.CRMBackupSchedule), r.pruneResults(ctx, scope))
	}
	if err != nil {
		return err
	}
	return outcome.Wait(v1alpha1.ReasonProgressing, drillEvery, "a drill goes on")
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmrestores,verbs=create

func (r *Schedules) restoreForDrill(ctx context.Context, scope *scheduleScope) error {
	err := r.Client.Create(ctx, drill.Restore(scope.CRMBackupSchedule, scope.Status.Drill.Name))
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making the CRMRestore of a drill: %w", err)
	}
	return nil
}

// checkDrill makes the Job of the class's checks in the drill's environment.
func (r *Schedules) checkDrill(ctx context.Context, scope *scheduleScope) error {
	environment := naming.DrillEnvironment(scope.Name)
	seen, err := r.Observer.Protected(ctx, scope.Namespace, environment)
	if err != nil {
		return err
	}
	p, err := validate.Runnable(r.Settings, environment, seen)
	if err != nil {
		return err
	}
	err = r.Runs.Idle(ctx, p.Target.Namespace, check.JobName(scope.Name))
	if w, ok := outcome.AsWaiting(err); ok {
		return outcome.Wait(w.Reason, teardownPoll, "%s", w.Message) // What the restore has replaced is dropped in seconds.
	}
	if err != nil {
		return err
	}
	planned, err := check.Objects(&p.Target, scope.Name)
	if err != nil {
		return fmt.Errorf("planning the checks of a drill: %w", err)
	}
	_, err = r.Runs.Start(ctx, &p.Target, check.JobName(scope.Name), nil, planned)
	return err
}

// recordedDrill looks again soon after the verdict was written: at what there is now, or at who has its name.
func (r *Schedules) recordedDrill(ctx context.Context, scope *scheduleScope) error {
	err := r.recordDrill(ctx, scope)
	if w, ok := outcome.AsWaiting(err); err != nil && (!ok || w.Reason != v1alpha1.ReasonNameClash) {
		return err
	}
	return outcome.Wait(v1alpha1.ReasonProgressing, cacheLag, "the result of the drill was written, or finds its name taken")
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackups,verbs=patch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;patch

// recordDrill writes the verdict where it outlives the drill: on the backup, if it was proven, and as a signed statement.
func (r *Schedules) recordDrill(ctx context.Context, scope *scheduleScope) error {
	d := *scope.Status.Drill
	if d.Phase == v1alpha1.PhaseComplete {
		if err := r.markProven(ctx, scope.drill.Backup, d.CompletedAt.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	tenant, _ := naming.TenantOfHome(scope.Namespace)
	text, err := drill.Statement(tenant, scope.CRMBackupSchedule, d, scope.drill).Encode()
	if err != nil {
		return err
	}
	source := teardown.Environment{
		Tenant: tenant, Name: scope.Spec.EnvironmentRef.Name, Settings: r.Settings,
		Namespace: naming.WorkloadNamespace(tenant, scope.Spec.EnvironmentRef.Name),
	}
	signed, err := sign(ctx, r.Vault, source.Layout(), text)
	if err != nil {
		return err
	}
	result, err := drill.Result(scope.CRMBackupSchedule, d.Name, signed)
	if err != nil {
		return err
	}
	_, err = r.Applier.Apply(ctx, toApply([]object.Object{result}))
	return err
}

// markProven keeps a backup from being forgotten as long as no other was proven.
func (r *Schedules) markProven(ctx context.Context, b *v1alpha1.CRMBackup, at string) error {
	if b == nil || b.Annotations[naming.AnnotationProvenAt] == at {
		return nil
	}
	base := b.DeepCopy()
	metav1.SetMetaDataAnnotation(&b.ObjectMeta, naming.AnnotationProvenAt, at)
	if err := r.Client.Patch(ctx, b, client.MergeFrom(base)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("marking CRMBackup %s as proven: %w", b.Name, err)
	}
	return nil
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmrestores;crmenvironments,verbs=get;delete

// clearDrill deletes what the schedule's newest drill has made, and waits until the API server itself says that it is gone. What has such a
// name and is not a drill's stays.
func (r *Schedules) clearDrill(ctx context.Context, s *v1alpha1.CRMBackupSchedule) error {
	if s.Status.Drill == nil {
		return nil
	}
	var restore v1alpha1.CRMRestore
	restoreLeft, err := r.remove(ctx, types.NamespacedName{Namespace: s.Namespace, Name: s.Status.Drill.Name}, &restore,
		func() bool { return drill.Made(s, &restore) })
	if err != nil {
		return err
	}
	var environment v1alpha1.CRMEnvironment
	environmentLeft, err := r.remove(ctx, types.NamespacedName{Namespace: s.Namespace, Name: naming.DrillEnvironment(s.Name)}, &environment,
		func() bool { return environment.Spec.Purpose == v1alpha1.PurposeDrill })
	if err != nil {
		return err
	}
	if restoreLeft || environmentLeft {
		return outcome.Wait(v1alpha1.ReasonDeleting, teardownPoll, "waiting for the environment of drill %s to be shredded", s.Status.Drill.Name)
	}
	return nil
}

// remove deletes an object if it is ours, and tells whether it is still there.
func (r *Schedules) remove(ctx context.Context, key types.NamespacedName, into client.Object, ours func() bool) (left bool, err error) {
	switch err := r.Runs.Uncached.Get(ctx, key, into); {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return true, fmt.Errorf("asking for %T %s: %w", into, key.Name, err)
	case !ours():
		return false, nil
	case into.GetDeletionTimestamp() != nil:
		return true, nil
	}
	uid := into.GetUID()
	if err := r.Client.Delete(ctx, into, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
		return true, fmt.Errorf("deleting %T %s: %w", into, key.Name, err)
	}
	return true, nil
}

// +kubebuilder:rbac:groups="",resources=configmaps,verbs=delete

// pruneResults gives up the oldest of more results than are kept.
func (r *Schedules) pruneResults(ctx context.Context, scope *scheduleScope) error {
	tenant, _ := naming.TenantOfHome(scope.Namespace)
	results := scope.drill.Results
	for _, name := range results[:max(0, len(results)-schedule.DrillResults)] {
		key := types.NamespacedName{Namespace: scope.Namespace, Name: name}
		if _, err := r.Applier.Delete(ctx, apply.Owner{Tenant: tenant}, corev1.SchemeGroupVersion.WithKind("ConfigMap"), key); err != nil {
			return err
		}
	}
	return nil
}

// tellDrill makes an event of a drill that has passed or failed, and counts it.
func (w StatusWriter) tellDrill(s *v1alpha1.CRMBackupSchedule, was *v1alpha1.DrillStatus) {
	is := s.Status.Drill
	if is == nil || is.Phase == v1alpha1.PhaseRunning || was != nil && was.Name == is.Name && was.Phase == is.Phase {
		return
	}
	if is.Phase == v1alpha1.PhaseComplete {
		w.event(s, corev1.EventTypeNormal, v1alpha1.ReasonDrillPassed, actionDrill,
			fmt.Sprintf("drill %s has restored backup %s in %s", is.Name, is.Backup, schedule.RTO(is.Stages)))
	} else {
		w.event(s, corev1.EventTypeWarning, v1alpha1.ReasonDrillFailed, actionDrill, fmt.Sprintf("drill %s: %s", is.Name, is.Message))
	}
	tenant, _ := naming.TenantOfHome(s.Namespace)
	metrics.CountDrill(tenant, s.Spec.EnvironmentRef.Name, s.Name, is.Phase)
}

// actionDrill of the events.
const actionDrill = "Drill"
