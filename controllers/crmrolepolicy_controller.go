package controllers

import (
	"context"
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/judge"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/status"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmrolepolicies;crmenvironments;crmclasses,verbs=get;list;watch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmrolepolicies/status,verbs=patch

// RolePolicies says of each CRMRolePolicy what became of it. Who enforces it is the controller of access, environment by environment.
type RolePolicies struct {
	Client   client.Client
	Observer *observe.Observer
	Adapters map[string]access.Adapter
	Status   StatusWriter
	Clock    *clock.Clock
}

// Reconcile folds what the environments say of one policy.
func (r *RolePolicies) Reconcile(ctx context.Context, p *v1alpha1.CRMRolePolicy) (ctrl.Result, error) {
	if !p.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	seen, err := r.Observer.RolePolicy(ctx, p)
	if err != nil {
		return ctrl.Result{}, err
	}
	now := r.Clock.Now()
	verdicts, next := judge.Policy(p, seen, r.Adapters, now)
	if err := r.Status.RolePolicy(ctx, p, status.RolePolicy(p, verdicts, metav1.NewTime(now))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	var errs []error
	for _, v := range verdicts {
		errs = append(errs, v.Err)
	}
	result, err := conclude(errors.Join(errs...))
	if next.IsZero() {
		return result, err
	}
	return sooner(result, next.Sub(now)), nil // With an error the time would be ignored.
}

// SetupWithManager registers the controller.
func (r *RolePolicies) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMRolePolicy{}, builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMRolePolicy{}, handler.EnqueueRequestsFromMapFunc(r.peersOf), builder.WithPredicates(laterDeclaration())).
		Watches(&v1alpha1.CRMEnvironment{}, handler.EnqueueRequestsFromMapFunc(r.policiesOfEnvironment), builder.WithPredicates(accessChanged())).
		Watches(&v1alpha1.CRMClass{}, handler.EnqueueRequestsFromMapFunc(r.policiesOfClass), builder.WithPredicates(laterDeclaration())).
		WithOptions(options()).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMRolePolicy] = (*RolePolicies)(nil)

// peersOf are the policies that a policy is checked against, and that are checked against it.
func (r *RolePolicies) peersOf(ctx context.Context, o client.Object) []reconcile.Request {
	p, ok := o.(*v1alpha1.CRMRolePolicy)
	if !ok {
		return nil
	}
	return r.policies(ctx, p.Namespace, func(other *v1alpha1.CRMRolePolicy) bool {
		return other.Name != p.Name && shareAny(other.Spec.Environments, p.Spec.Environments)
	})
}

func (r *RolePolicies) policiesOfEnvironment(ctx context.Context, o client.Object) []reconcile.Request {
	return r.policies(ctx, o.GetNamespace(), func(p *v1alpha1.CRMRolePolicy) bool {
		return shareAny(p.Spec.Environments, []string{o.GetName()})
	})
}

func (r *RolePolicies) policiesOfClass(ctx context.Context, o client.Object) []reconcile.Request {
	var list v1alpha1.CRMEnvironmentList
	if err := r.Client.List(ctx, &list, client.MatchingFields{IndexClass: o.GetName()}, client.UnsafeDisableDeepCopy); err != nil {
		return nil // The cache cannot fail once it has started; if it has not, everything is reconciled anyway.
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, r.policiesOfEnvironment(ctx, &list.Items[i])...)
	}
	return requests
}

func (r *RolePolicies) policies(ctx context.Context, namespace string, which func(*v1alpha1.CRMRolePolicy) bool) []reconcile.Request {
	var list v1alpha1.CRMRolePolicyList
	if err := r.Client.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil // As above.
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if which(&list.Items[i]) {
			requests = append(requests, request(namespace, list.Items[i].Name)...)
		}
	}
	return requests
}

func shareAny(a, b []string) bool {
	return slices.ContainsFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// later leaves out what there is at the start, when every policy is looked at anyway.
func later() predicate.Predicate {
	return predicate.Funcs{CreateFunc: func(e event.CreateEvent) bool { return !e.IsInInitialList }}
}

// laterDeclaration lets through a declaration that came, went or was edited since.
func laterDeclaration() predicate.Predicate {
	return predicate.And[client.Object](later(), declarationChanged())
}

// accessChanged lets through what a policy says of an environment.
func accessChanged() predicate.Predicate {
	type said struct {
		policies []v1alpha1.AccessPolicyStatus
		failure  *v1alpha1.AccessFailure
	}
	of := func(o client.Object) (s said) {
		if env, ok := o.(*v1alpha1.CRMEnvironment); ok && env.Status.Access != nil {
			s.policies, s.failure = env.Status.Access.Policies, env.Status.Access.Failure
		}
		return s
	}
	return predicate.And[client.Object](later(), predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := of(e.ObjectOld), of(e.ObjectNew)
		return !equality.Semantic.DeepEqual(before.policies, after.policies) || !equality.Semantic.DeepEqual(before.failure, after.failure)
	}})
}
