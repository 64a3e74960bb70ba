package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// intoNew takes a restore into a new environment one pass further: it declares the environment, whose own controller fills it, and follows
// it until it is ready. It holds nothing: deleting it leaves the environment alone.
func (r *Restores) intoNew(ctx context.Context, o *v1alpha1.CRMRestore) (ctrl.Result, error) {
	if !o.DeletionTimestamp.IsZero() || o.Status.CompletedAt != nil {
		return ctrl.Result{}, nil
	}
	pass := r.bringNew(ctx, o)
	if err := r.Status.Restore(ctx, o, status.RestoreIntoNew(o, pass, metav1.NewTime(r.Clock.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	if pass.Begin {
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	}
	return conclude(pass.Err)
}

func (r *Restores) bringNew(ctx context.Context, o *v1alpha1.CRMRestore) status.NewEnvironmentPass {
	if _, err := workloadOf(o.Namespace, ""); err != nil {
		return status.NewEnvironmentPass{Err: err}
	}
	name := o.Spec.To.NewEnvironment.Name
	var env v1alpha1.CRMEnvironment
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: name}, &env)
	switch {
	case apierrors.IsNotFound(err) && o.Status.Phase == v1alpha1.PhaseRunning:
		return status.NewEnvironmentPass{Err: outcome.Reject(v1alpha1.ReasonEnvironmentNotFound,
			"CRMEnvironment %s was deleted before it was ready", name)}
	case apierrors.IsNotFound(err):
		return r.declare(ctx, o)
	case err != nil:
		return status.NewEnvironmentPass{Err: err}
	case !validate.MadeBy(o, &env):
		return status.NewEnvironmentPass{Err: outcome.Reject(v1alpha1.ReasonNameClash,
			"spec.to.newEnvironment.name: CRMEnvironment %q exists already; choose another name", name)}
	}
	return r.followNew(ctx, o, &env)
}

// followNew gives up on an environment that only an edit could bring.
func (r *Restores) followNew(ctx context.Context, o *v1alpha1.CRMRestore, env *v1alpha1.CRMEnvironment) status.NewEnvironmentPass {
	pass := status.NewEnvironmentPass{Environment: env}
	stalled := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionStalled)
	switch {
	case !env.DeletionTimestamp.IsZero():
		pass.Err = outcome.Reject(v1alpha1.ReasonDeleting, "CRMEnvironment %s is deleted before it was ready", env.Name)
	case stalled != nil && stalled.ObservedGeneration == env.Generation:
		pass.Err = outcome.Reject(stalled.Reason, "CRMEnvironment %s cannot come: %s", env.Name, stalled.Message)
	}
	var filling v1alpha1.CRMRestore
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: naming.SourceRestore(env.Name)}, &filling)
	switch {
	case err == nil:
		pass.Filling = &filling
	case !apierrors.IsNotFound(err):
		pass.Err = err
	}
	return pass
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmenvironments,verbs=create
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmclasses,verbs=get;list;watch

// declare makes the environment of the backup that was chosen and written down in a pass before.
func (r *Restores) declare(ctx context.Context, o *v1alpha1.CRMRestore) status.NewEnvironmentPass {
	env, err := r.newEnvironment(ctx, o)
	if err != nil {
		return status.NewEnvironmentPass{Err: err}
	}
	pass := status.NewEnvironmentPass{Backup: env.Spec.Source.BackupRef.Name, Begin: o.Status.Phase != v1alpha1.PhaseChecking}
	if pass.Begin {
		return pass
	}
	if err := r.Client.Create(ctx, env); err != nil && !apierrors.IsAlreadyExists(err) {
		pass.Err = refusedDeclaration(env.Name, err)
		return pass
	}
	pass.Err = outcome.Wait(v1alpha1.ReasonProgressing, cacheLag, "CRMEnvironment %s was declared", env.Name)
	return pass
}

// refusedDeclaration tells a refusal by the API server, such as by a quota, from trouble that passes.
func refusedDeclaration(name string, err error) error {
	if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) {
		return outcome.Reject(v1alpha1.ReasonNotAllowed, "CRMEnvironment %s cannot be made: %s", name, err)
	}
	return fmt.Errorf("making CRMEnvironment %s: %w", name, err)
}

func (r *Restores) newEnvironment(ctx context.Context, o *v1alpha1.CRMRestore) (*v1alpha1.CRMEnvironment, error) {
	backups, err := r.Observer.Backups(ctx, o.Namespace)
	if err != nil {
		return nil, err
	}
	environments, err := r.Observer.Environments(ctx, o.Namespace)
	if err != nil {
		return nil, err
	}
	var classes v1alpha1.CRMClassList
	if err := r.Client.List(ctx, &classes); err != nil {
		return nil, fmt.Errorf("listing the classes: %w", err)
	}
	return validate.IntoNew(o, backups, environments, classes.Items)
}

// restoresOfEnvironment maps an environment to the restore that it was made by and to the one that fills it.
func restoresOfEnvironment(_ context.Context, o client.Object) []reconcile.Request {
	var requests []reconcile.Request
	if name := o.GetLabels()[naming.LabelRestore]; name != "" {
		requests = request(o.GetNamespace(), name)
	}
	if env, ok := o.(*v1alpha1.CRMEnvironment); ok && env.Spec.Source != nil {
		requests = append(requests, request(env.Namespace, naming.SourceRestore(env.Name))...)
	}
	return requests
}

// conditionsChanged lets through what an environment says of itself, and its end.
func conditionsChanged() predicate.Predicate {
	return predicate.And[client.Object](notCreation(), predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return !equality.Semantic.DeepEqual(conditionsOf(e.ObjectOld), conditionsOf(e.ObjectNew)) ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
	}})
}
