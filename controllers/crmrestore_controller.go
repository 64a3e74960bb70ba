package controllers

import (
	"context"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmrestores,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmrestores/status,verbs=patch

// Restores reconciles CRMRestores. While one is in phase Running, the environment's own controller keeps the application stopped.
type Restores struct {
	Client   client.Client
	Observer *observe.Observer
	Runs     *Runs
	Settings settings.Settings
	Status   StatusWriter
	Clock    *clock.Clock
}

// stopDeadline is how long a restore may keep the application stopped before its run has begun.
const stopDeadline = 30 * time.Minute

// startDeadline is how long after a restore it is looked when the application runs again. Later nobody would call that the recovery.
const startDeadline = 10 * time.Minute

// Reconcile takes one restore one pass further.
func (r *Restores) Reconcile(ctx context.Context, o *v1alpha1.CRMRestore) (ctrl.Result, error) {
	switch {
	case o.Spec.To.NewEnvironment != nil:
		return r.intoNew(ctx, o)
	case !o.DeletionTimestamp.IsZero():
		return r.teardown(ctx, o)
	case o.Status.Phase == v1alpha1.PhaseComplete:
		return conclude(r.settle(ctx, o))
	case o.Status.CompletedAt != nil:
		return conclude(r.release(ctx, o))
	}
	if err := hold(ctx, r.Client, o); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	pass := r.bring(ctx, o)
	if err := r.Status.Restore(ctx, o, status.Restore(o, pass, metav1.NewTime(r.Clock.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	switch {
	case o.Status.CompletedAt != nil:
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	case pass.Begin:
		return ctrl.Result{RequeueAfter: teardownPoll}, nil
	}
	return conclude(pass.Err)
}

// bring looks at the run, or takes the restore a step nearer to it: nothing is touched before nothing known speaks against it, and the
// run begins when the application has stopped.
func (r *Restores) bring(ctx context.Context, o *v1alpha1.CRMRestore) status.RestorePass {
	environment := o.Spec.To.EnvironmentRef.Name
	namespace, err := workloadOf(o.Namespace, environment)
	if err != nil {
		return status.RestorePass{Err: err}
	}
	run, err := r.Observer.Run(ctx, namespace, backup.RestoreJob(o))
	if err != nil {
		return status.RestorePass{Err: err}
	}
	if run != nil {
		return r.follow(ctx, o, run)
	}
	chosen, err := r.choose(ctx, o, environment)
	if err != nil {
		return status.RestorePass{Err: r.impatient(o, err)}
	}
	pass := status.RestorePass{Backup: chosen.Backup.Name}
	if o.Status.Phase != v1alpha1.PhaseRunning {
		pass.Err = r.Runs.Idle(ctx, namespace, backup.RestoreJob(o))
		pass.Begin = pass.Err == nil
		return pass
	}
	if pass.Err = r.stopped(ctx, o, namespace, environment); pass.Err == nil {
		planned := backup.ForRestore(&chosen.Target, backup.Restore{Restore: o, Backup: &chosen.Backup, Locations: chosen.Locations})
		pass.Run, pass.Err = r.Runs.Start(ctx, &chosen.Target, backup.RestoreJob(o), nil, planned)
	}
	pass.Err = r.impatient(o, pass.Err)
	return pass
}

// follow looks at the run. One that ended without telling so may have been killed in the middle of anything: the application stays stopped
// until what it has replaced is back.
func (r *Restores) follow(ctx context.Context, o *v1alpha1.CRMRestore, run *facts.Run) status.RestorePass {
	if _, silent := status.Report(run); run.Ended && silent != nil {
		if err := r.after(ctx, o, backup.UndoJob(o), backup.ForUndo); err != nil {
			return status.RestorePass{Err: err}
		}
	}
	return status.RestorePass{Run: run}
}

// impatient gives up a restore that waits for too long with the application stopped. One that fills an environment keeps nobody waiting.
func (r *Restores) impatient(o *v1alpha1.CRMRestore, err error) error {
	w, waiting := outcome.AsWaiting(err)
	if !waiting || target.IsFilling(o) || o.Status.Phase != v1alpha1.PhaseRunning || o.Status.StartedAt == nil || r.Clock.Now().Sub(o.Status.StartedAt.Time).Abs() < stopDeadline {
		return err
	}
	return outcome.Reject(w.Reason, "the application starts again after %s in which the restore could not begin: %s", stopDeadline, w.Message)
}

func (r *Restores) choose(ctx context.Context, o *v1alpha1.CRMRestore, environment string) (validate.Restore, error) {
	seen, err := r.Observer.Protected(ctx, o.Namespace, environment)
	if err != nil {
		return validate.Restore{}, err
	}
	backups, err := r.Observer.Backups(ctx, o.Namespace)
	if err != nil {
		return validate.Restore{}, err
	}
	environments, err := r.Observer.Environments(ctx, o.Namespace)
	if err != nil {
		return validate.Restore{}, err
	}
	return validate.RestoreOf(r.Settings, o, backups, environments, seen)
}

// stopped waits until the environment's own controller has said that it knows of the restore, after which it starts nothing, and until
// the last pod has ended.
func (r *Restores) stopped(ctx context.Context, o *v1alpha1.CRMRestore, namespace, environment string) error {
	var env v1alpha1.CRMEnvironment
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: environment}, &env); err != nil {
		return err
	}
	seen, err := r.Observer.Workload(ctx, namespace)
	if err != nil {
		return err
	}
	c := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionWorkloadReady)
	if c == nil || c.Reason != v1alpha1.ReasonRestoring || seen.AnyComponentPod() || seen.Pods[naming.ComponentMigrate] > 0 {
		return outcome.Wait(v1alpha1.ReasonStopping, teardownPoll, "waiting for the application to stop")
	}
	return nil
}

// settle removes what is left of a run that has succeeded, and what it replaced when that is confirmed or its time is over.
func (r *Restores) settle(ctx context.Context, o *v1alpha1.CRMRestore) error {
	if err := r.Runs.Remove(ctx, o.Namespace, o.Spec.To.EnvironmentRef.Name, backup.RestoreJob(o)); err != nil {
		return err
	}
	if err := r.Status.Restore(ctx, o, status.RestoreKept(o, false)); err != nil {
		return client.IgnoreNotFound(err)
	}
	if err := r.started(ctx, o); err != nil {
		return err
	}
	if until := o.Status.KeptUntil; until != nil {
		if err := r.keptFor(o, until.Time); err != nil {
			return err
		}
		if err := r.after(ctx, o, backup.DropJob(o), backup.ForDrop); err != nil {
			return err
		}
		if err := r.Status.Restore(ctx, o, status.RestoreKept(o, true)); err != nil {
			return client.IgnoreNotFound(err)
		}
	}
	return r.release(ctx, o)
}

// keptFor waits until nobody can want back what was replaced: the restore is confirmed, or the time for that is over.
func (r *Restores) keptFor(o *v1alpha1.CRMRestore, until time.Time) error {
	if o.Spec.Confirmation != "" {
		return nil
	}
	if left := until.Sub(r.Clock.Now()); left > 0 {
		return outcome.Wait(v1alpha1.ReasonSucceeded, left, "what was replaced is kept until then")
	}
	return r.Clock.Agree()
}

// started waits for a while until the application runs again, and writes down how long that took. One that fills an environment has no
// application to wait for.
func (r *Restores) started(ctx context.Context, o *v1alpha1.CRMRestore) error {
	if target.IsFilling(o) || status.HasStarted(o) || r.Clock.Now().Sub(o.Status.CompletedAt.Time) > startDeadline {
		return nil
	}
	var env v1alpha1.CRMEnvironment
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: o.Spec.To.EnvironmentRef.Name}, &env); err != nil {
		return client.IgnoreNotFound(err)
	}
	if err := r.Status.Restore(ctx, o, status.RestoreStarted(o, &env)); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !status.HasStarted(o) && o.Spec.Confirmation == "" {
		return outcome.Wait(v1alpha1.ReasonSucceeded, teardownPoll, "waiting for the application to start")
	}
	return nil
}

// after runs a Job about what a restore has replaced, and waits until it has succeeded. An environment that is gone has taken that along.
func (r *Restores) after(
	ctx context.Context, o *v1alpha1.CRMRestore, job string, planned func(*target.Target, *v1alpha1.CRMRestore) []object.Object,
) error {
	environment := o.Spec.To.EnvironmentRef.Name
	namespace, err := workloadOf(o.Namespace, environment)
	if err != nil {
		return nil //nolint:nilerr // nothing was ever replaced
	}
	seen, err := r.Observer.Protected(ctx, o.Namespace, environment)
	if err != nil || seen.Environment == nil || !seen.Environment.DeletionTimestamp.IsZero() {
		return err
	}
	run, err := r.Observer.Run(ctx, namespace, job)
	switch {
	case err != nil:
		return err
	case run == nil:
		return r.begin(ctx, o, seen, job, planned)
	case run.Ended:
		return r.concluded(ctx, o, run)
	}
	return outcome.Wait(v1alpha1.ReasonProgressing, progressEvery, "run %s goes on", job)
}

// begin starts such a Job.
func (r *Restores) begin(
	ctx context.Context, o *v1alpha1.CRMRestore, seen *facts.Protected, job string,
	planned func(*target.Target, *v1alpha1.CRMRestore) []object.Object,
) error {
	p, err := validate.Runnable(r.Settings, o.Spec.To.EnvironmentRef.Name, seen)
	if err != nil {
		return err
	}
	if p.Target.Source != nil {
		if o.Status.Phase == v1alpha1.PhaseComplete {
			// Who fills an environment loses the rights for that once it is filled. A pod that has them then never starts.
			return outcome.Wait(v1alpha1.ReasonProgressing, teardownPoll, "waiting for the environment to go on with its data")
		}
		if p.Target.Source, err = r.source(ctx, o); p.Target.Source == nil {
			return err // Nobody may do it any more, and what was replaced is an empty database.
		}
	}
	if _, err := r.Runs.Start(ctx, &p.Target, job, nil, planned(&p.Target, o)); err != nil {
		return err
	}
	return outcome.Wait(v1alpha1.ReasonProgressing, progressEvery, "run %s begins", job)
}

// source of the environment that a restore fills; nil when its backup is there no more.
func (r *Restores) source(ctx context.Context, o *v1alpha1.CRMRestore) (*target.Source, error) {
	backups, err := r.Observer.Backups(ctx, o.Namespace)
	if err != nil {
		return nil, err
	}
	return validate.SourceOf(o, backups), nil
}

// afterRetry is how long after a failure such a Job is tried again.
const afterRetry = 2 * time.Minute

func (r *Restores) concluded(ctx context.Context, o *v1alpha1.CRMRestore, run *facts.Run) error {
	told, err := status.Report(run)
	if err == nil && told.Reason == "" {
		return nil
	}
	if left := run.Completed.Add(afterRetry).Sub(r.Clock.Now()); left > 0 {
		return outcome.Wait(v1alpha1.ReasonRetrying, left, "run %s has failed (%s %s) and is tried again", run.Name, told.Reason, told.Message)
	}
	if err := r.Runs.Remove(ctx, o.Namespace, o.Spec.To.EnvironmentRef.Name, run.Name); err != nil {
		return err
	}
	return outcome.Wait(v1alpha1.ReasonRetrying, cacheLag, "run %s is tried again", run.Name)
}

// release removes what is left of the runs, after which nothing holds the object any more.
func (r *Restores) release(ctx context.Context, o *v1alpha1.CRMRestore) error {
	if !controllerutil.ContainsFinalizer(o, naming.FinalizerRun) {
		return nil
	}
	for _, job := range []string{backup.RestoreJob(o), backup.UndoJob(o), backup.DropJob(o)} {
		if err := r.Runs.Remove(ctx, o.Namespace, o.Spec.To.EnvironmentRef.Name, job); err != nil {
			return err
		}
	}
	return letGo(ctx, r.Client, o)
}

// teardown ends a run that goes on, which leaves the environment as it was, and removes what an earlier one has replaced.
func (r *Restores) teardown(ctx context.Context, o *v1alpha1.CRMRestore) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(o, naming.FinalizerRun) {
		return ctrl.Result{}, nil
	}
	err := r.takeBack(ctx, o)
	if err == nil {
		err = r.release(ctx, o)
	}
	if err == nil {
		return ctrl.Result{}, nil
	}
	if err := r.Status.Restore(ctx, o, status.RestoreDeleting(o, err, metav1.NewTime(r.Clock.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	return conclude(err)
}

// takeBack ends the run and deals with what it has replaced, and writes down that this is done.
func (r *Restores) takeBack(ctx context.Context, o *v1alpha1.CRMRestore) error {
	if err := r.Runs.Remove(ctx, o.Namespace, o.Spec.To.EnvironmentRef.Name, backup.RestoreJob(o)); err != nil {
		return err
	}
	switch {
	case o.Status.Phase == v1alpha1.PhaseRunning:
		if err := r.after(ctx, o, backup.UndoJob(o), backup.ForUndo); err != nil {
			return err
		}
	case o.Status.KeptUntil != nil:
		if err := r.after(ctx, o, backup.DropJob(o), backup.ForDrop); err != nil {
			return err
		}
	default:
		return nil
	}
	return r.Status.Restore(ctx, o, status.RestoreTakenBack(o, metav1.NewTime(r.Clock.Now())))
}

// SetupWithManager registers the controller.
func (r *Restores) SetupWithManager(mgr ctrl.Manager) error {
	ours := ofRun(naming.RunRestore, naming.RunDrop, naming.RunUndo)
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMRestore{}, builder.WithPredicates(declarationChanged())).
		Watches(&batchv1.Job{}, ours, builder.WithPredicates(notCreation())).
		Watches(&corev1.Pod{}, ours, builder.WithPredicates(notCreation())).
		Watches(&v1alpha1.CRMEnvironment{}, handler.EnqueueRequestsFromMapFunc(restoresOfEnvironment), builder.WithPredicates(conditionsChanged())).
		WithOptions(options()).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMRestore] = (*Restores)(nil)
