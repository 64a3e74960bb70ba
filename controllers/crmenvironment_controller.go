// Package controllers wires the steps of each kind together: observe, validate, plan, apply, status. What is decided is elsewhere.
package controllers

import (
	"context"
	"errors"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmenvironments,verbs=get;list;watch;patch;delete
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmenvironments/status,verbs=patch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmclasses;crmtenants;crmbackupschedules;crmrestores;crmrolepolicies,verbs=get;list;watch

// Environments reconciles CRMEnvironments.
type Environments struct {
	Client   client.Client
	Observer *observe.Observer
	Applier  *apply.Applier
	Keys     *Keys
	Settings settings.Settings
	Status   StatusWriter
	// Uncached reads what no cache holds: whether a CustomResourceDefinition or a home namespace is being deleted.
	Uncached client.Reader
	Clock    *clock.Clock
}

// Reconcile takes one environment one pass further.
func (r *Environments) Reconcile(ctx context.Context, env *v1alpha1.CRMEnvironment) (ctrl.Result, error) {
	if tenant, ok := naming.TenantOfHome(env.Namespace); ok {
		defer r.Applier.Begin(tenant)()
	}
	if !env.DeletionTimestamp.IsZero() {
		return r.teardown(ctx, env)
	}
	if err := r.hold(ctx, env); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	if at, ok := status.ExpiresAt(env); ok && !r.Clock.Now().Before(at.Time) {
		if waits := r.Clock.Agree(); waits != nil {
			return r.pass(ctx, env, waits)
		}
		return ctrl.Result{}, r.expire(ctx, env)
	}
	return r.pass(ctx, env, nil)
}

// pass brings an environment nearer to what is declared. One that is deleted is still kept up while the deletion waits for something.
func (r *Environments) pass(ctx context.Context, env *v1alpha1.CRMEnvironment, deletion error) (ctrl.Result, error) {
	seen, err := r.Observer.Environment(ctx, env)
	if err != nil {
		return ctrl.Result{}, err
	}
	pass := r.bring(ctx, env, seen)
	pass.Deletion = deletion
	next := status.Environment(env, seen, pass, metav1.NewTime(r.Clock.Now()))
	if err := r.Status.Environment(ctx, env, next); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	return r.result(env, pass)
}

// hold keeps the object from going before what is made for it.
func (r *Environments) hold(ctx context.Context, env *v1alpha1.CRMEnvironment) error {
	if controllerutil.ContainsFinalizer(env, naming.FinalizerEnvironment) {
		return nil
	}
	base := env.DeepCopy()
	controllerutil.AddFinalizer(env, naming.FinalizerEnvironment)
	return r.Client.Patch(ctx, env, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
}

// bring does the steps in order. Each has an outcome of its own, so that a Vault which is away does not keep a policy that somebody
// has deleted from being put back.
func (r *Environments) bring(ctx context.Context, env *v1alpha1.CRMEnvironment, seen *facts.Environment) status.Pass {
	pass, wanted := r.wanted(env, seen)
	if wanted == nil {
		return pass
	}
	t := pass.Target
	pass.Network, pass.Keys, pass.Workload, pass.Fill = status.ErrNotReached, status.ErrNotReached, status.ErrNotReached, status.ErrNotReached
	if pass.Namespace = r.claim(ctx, env, t); pass.Namespace != nil {
		return pass
	}
	if pass.Namespace = r.apply(ctx, wanted.Namespace); pass.Namespace != nil {
		return pass
	}
	if pass.Network = r.apply(ctx, wanted.Network); pass.Network != nil {
		return pass
	}
	pass.Encryption, pass.Keys = r.Keys.Bring(ctx, wanted.Vault, had(env, seen))
	if pass.Keys != nil && !seen.Database.Exists && !seen.AnyComponentPod() {
		return pass // Nothing runs yet, and nothing could without keys.
	}
	if pass.Workload = r.dataLost(ctx, t, seen); pass.Workload != nil {
		return pass
	}
	pass.Workload = errors.Join(r.apply(ctx, wanted.Workload), r.prune(ctx, t, *wanted))
	pass.Fill = r.fill(ctx, env, seen, pass)
	return pass
}

// wanted decides what to bring about: what is declared or, while that is refused, what was let in last. It is nil when there is neither.
func (r *Environments) wanted(env *v1alpha1.CRMEnvironment, seen *facts.Environment) (status.Pass, *plan.Environment) {
	var pass status.Pass
	declared, err := validate.Environment(r.Settings, env, seen)
	if err == nil {
		pass.Target = &declared
		pass.Request, pass.Approval = validate.Approval(seen.Tenant, env)
	}
	if err == nil && pass.Approval == nil {
		var wanted plan.Environment
		if wanted, err = plan.ForEnvironment(&declared, seen); err == nil {
			return pass, &wanted
		}
		err = outcome.Wait(v1alpha1.ReasonClassInvalid, time.Minute, "spec.classRef: %s", err)
	}
	if err != nil {
		pass.Target, pass.Refused = nil, err
	}
	if accepted, ok := validate.Accepted(r.Settings, env, seen); ok {
		if wanted, err := plan.ForEnvironment(&accepted, seen); err == nil {
			pass.Target, pass.Kept = &accepted, true
			return pass, &wanted
		}
	}
	return pass, nil
}

// claim says in the status what is about to be made, so that a deletion takes apart also what an interrupted pass has left, and that people
// are about to be kept out, so that nothing that is stopped comes back with them. On a new object it is the first status, and says that
// work has begun.
func (r *Environments) claim(ctx context.Context, env *v1alpha1.CRMEnvironment, t *target.Target) error {
	closes := t.Closed && !target.IsClosed(env)
	if env.Status.Namespace == t.Namespace && !closes {
		return nil
	}
	next := env.Status.DeepCopy()
	next.Namespace = t.Namespace
	next.Access = status.Closed(next.Access, t.Closed, metav1.NewTime(r.Clock.Now()))
	if status.IsNew(next.Conditions) {
		next.Conditions = status.Started(next.Conditions, env.Generation, metav1.NewTime(r.Clock.Now()))
	}
	return r.Status.Environment(ctx, env, *next)
}

// expire deletes a sandbox whose time is over.
func (r *Environments) expire(ctx context.Context, env *v1alpha1.CRMEnvironment) error {
	uid := env.UID
	return client.IgnoreNotFound(r.Client.Delete(ctx, env, client.Preconditions{UID: &uid}))
}

// result decides when to look again. Watches bring back whatever changes in the cluster; nobody tells of changes in Vault.
func (r *Environments) result(env *v1alpha1.CRMEnvironment, pass status.Pass) (ctrl.Result, error) {
	err := errors.Join(pass.Deletion, pass.Refused, pass.Approval, pass.Namespace, pass.Network, pass.Keys, pass.Workload, pass.Fill)
	result, err := conclude(err)
	if at, ok := status.ExpiresAt(env); ok && env.DeletionTimestamp.IsZero() && pass.Deletion == nil {
		result = sooner(result, max(at.Sub(r.Clock.Now()), time.Second))
	}
	if (err == nil || pass.Kept) && pass.Keys == nil && pass.Target != nil {
		result = sooner(result, r.Keys.Interval())
	}
	if result.RequeueAfter > 0 && errors.Is(err, reconcile.TerminalError(nil)) {
		return result, nil // With an error the time would be ignored, and an invalid sandbox never expire.
	}
	return result, err
}

// Watches.
//
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmenvironments,verbs=list;watch

// SetupWithManager registers the controller.
func (r *Environments) SetupWithManager(mgr ctrl.Manager) error {
	ofLabels := handler.EnqueueRequestsFromMapFunc(environmentOfLabels)
	b := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMEnvironment{}, builder.WithPredicates(environmentChanged())).
		Watches(&v1alpha1.CRMTenant{}, handler.EnqueueRequestsFromMapFunc(r.environmentsOfTenant), builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMClass{}, handler.EnqueueRequestsFromMapFunc(r.environmentsOfClass), builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMEnvironment{}, handler.EnqueueRequestsFromMapFunc(r.neighboursOf), builder.WithPredicates(roomChanged())).
		Watches(&v1alpha1.CRMRestore{}, handler.EnqueueRequestsFromMapFunc(environmentOfRestore), builder.WithPredicates(restoreTold())).
		Watches(&v1alpha1.CRMBackupSchedule{}, handler.EnqueueRequestsFromMapFunc(environmentOfSchedule), builder.WithPredicates(healthChanged())).
		Watches(&v1alpha1.CRMRolePolicy{}, handler.EnqueueRequestsFromMapFunc(environmentsOfPolicy), builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMBackup{}, handler.EnqueueRequestsFromMapFunc(environmentOfBackup), builder.WithPredicates(backupChanged())).
		WatchesRawSource(source.Channel(r.Observer.Certificates.Answered(), &handler.EnqueueRequestForObject{}))
	declared := []client.Object{
		&corev1.Namespace{}, &corev1.ResourceQuota{}, &corev1.LimitRange{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{},
		&corev1.Service{}, &corev1.PersistentVolumeClaim{}, &networkingv1.NetworkPolicy{}, &networkingv1.Ingress{},
		&policyv1.PodDisruptionBudget{}, &batchv1.CronJob{},
	}
	if r.Observer.KnowsHTTPRoutes() {
		declared = append(declared, anHTTPRoute()) // Those of a kind that comes later are watched from the next start on.
	}
	for _, child := range declared {
		b = b.Watches(child, ofLabels, builder.WithPredicates(declarationOrMetadataChanged()))
	}
	for _, child := range []client.Object{&appsv1.Deployment{}, &appsv1.StatefulSet{}, &batchv1.Job{}, &corev1.Pod{}} {
		b = b.Watches(child, ofLabels, builder.WithPredicates(notCreation()))
	}
	o := options()
	o.NewQueue = newTurnsQueue
	return b.WithOptions(o).Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMEnvironment] = (*Environments)(nil)

// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=delete
// +kubebuilder:rbac:groups=batch,resources=jobs;cronjobs,verbs=delete
// +kubebuilder:rbac:groups="",resources=services;configmaps;serviceaccounts,verbs=delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies;ingresses,verbs=delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=delete
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=delete

// prune takes away what the plan no longer has. What leads to data is never pruned.
func (r *Environments) prune(ctx context.Context, t *target.Target, wanted plan.Environment) error {
	keep, err := references(wanted.Objects())
	if err != nil {
		return err
	}
	_, err = r.Applier.Prune(ctx, apply.Owner{Tenant: t.Tenant, Environment: t.Environment}, t.Namespace, r.prunable(), keep)
	return err
}
