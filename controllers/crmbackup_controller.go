package controllers

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackups,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackups/status,verbs=patch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackuplocations;crmrestores,verbs=get;list;watch

// Backups reconciles CRMBackups. What is in a repository stays when a CRMBackup is deleted: a schedule's retention removes it.
type Backups struct {
	Client   client.Client
	Observer *observe.Observer
	Runs     *Runs
	Progress *Progress
	// Vault and Manifests are for imports: the keys that a manifest must be made with, and where it is.
	Vault     Vault
	Manifests observe.Manifests
	Settings  settings.Settings
	Status    StatusWriter
	Clock     *clock.Clock
}

// Reconcile takes one backup one pass further.
func (r *Backups) Reconcile(ctx context.Context, b *v1alpha1.CRMBackup) (ctrl.Result, error) {
	if !b.DeletionTimestamp.IsZero() {
		return r.teardown(ctx, b)
	}
	if b.Status.CompletedAt != nil {
		return conclude(r.release(ctx, b))
	}
	if b.Spec.Import != nil {
		return r.take(ctx, b)
	}
	if err := hold(ctx, r.Client, b); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	pass := r.bring(ctx, b)
	if err := r.Status.Backup(ctx, b, status.Backup(b, pass, metav1.NewTime(r.Clock.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	switch {
	case b.Status.CompletedAt != nil:
		return conclude(r.release(ctx, b))
	case pass.Err != nil:
		return conclude(pass.Err)
	}
	return ctrl.Result{RequeueAfter: progressEvery}, nil
}

// bring looks at the run, or starts it.
func (r *Backups) bring(ctx context.Context, b *v1alpha1.CRMBackup) status.BackupPass {
	namespace, err := workloadOf(b.Namespace, b.Spec.EnvironmentRef.Name)
	if err != nil {
		return status.BackupPass{Err: err}
	}
	run, lost, err := r.Runs.Look(ctx, namespace, backup.JobName(b), b.Status.Phase == v1alpha1.PhaseRunning)
	if run == nil && !lost && err == nil {
		run, err = r.begin(ctx, b)
	}
	pass := status.BackupPass{Run: run, Err: err}
	if run != nil && !run.Ended && run.Address != "" {
		pass.Progress = r.Progress.Of(ctx, run.Address)
	}
	return pass
}

func (r *Backups) begin(ctx context.Context, b *v1alpha1.CRMBackup) (*facts.Run, error) {
	seen, err := r.Observer.Protected(ctx, b.Namespace, b.Spec.EnvironmentRef.Name)
	if err != nil {
		return nil, err
	}
	p, locations, err := validate.Backup(r.Settings, b, seen)
	if err != nil {
		return nil, err
	}
	return r.Runs.Start(ctx, &p.Target, backup.JobName(b), locations, backup.ForBackup(&p.Target, b, locations, p.Repository))
}

// teardown ends the run if there is one.
func (r *Backups) teardown(ctx context.Context, b *v1alpha1.CRMBackup) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(b, naming.FinalizerRun) {
		return ctrl.Result{}, nil
	}
	err := r.release(ctx, b)
	if err == nil {
		return ctrl.Result{}, nil
	}
	if err := r.Status.Backup(ctx, b, status.BackupDeleting(b, err, metav1.NewTime(r.Clock.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	return conclude(err)
}

// release removes what is left of the run, after which nothing holds the object any more.
func (r *Backups) release(ctx context.Context, b *v1alpha1.CRMBackup) error {
	if !controllerutil.ContainsFinalizer(b, naming.FinalizerRun) {
		return nil
	}
	if err := r.Runs.Remove(ctx, b.Namespace, b.Spec.EnvironmentRef.Name, backup.JobName(b)); err != nil {
		return err
	}
	return letGo(ctx, r.Client, b)
}

// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch

// SetupWithManager registers the controller.
func (r *Backups) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMBackup{}, builder.WithPredicates(declarationChanged())).
		Watches(&batchv1.Job{}, ofRun(naming.RunBackup), builder.WithPredicates(notCreation())).
		Watches(&corev1.Pod{}, ofRun(naming.RunBackup), builder.WithPredicates(notCreation())).
		WithOptions(options()).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMBackup] = (*Backups)(nil)
