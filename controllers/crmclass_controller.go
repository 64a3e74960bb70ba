package controllers

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmclasses;crmenvironments,verbs=get;list;watch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmclasses/status,verbs=patch

// Classes says of each CRMClass whether environments can use it, and whether their CRMs have what its objects name.
type Classes struct {
	Client client.Client
	Status StatusWriter
	Clock  *clock.Clock
}

// Reconcile checks one class.
func (r *Classes) Reconcile(ctx context.Context, class *v1alpha1.CRMClass) (ctrl.Result, error) {
	var environments v1alpha1.CRMEnvironmentList
	if err := r.Client.List(ctx, &environments, client.MatchingFields{IndexClass: class.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return ctrl.Result{}, fmt.Errorf("listing the environments of the class: %w", err)
	}
	invalid := validate.Class(class)
	known := catalogueMatches(class)
	next := status.Class(class, invalid, environments.Items, metav1.NewTime(r.Clock.Now()))
	if err := r.Status.Class(ctx, class, next); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	if catalogueMatches(class) != known {
		r.tellLacking(class, status.Lacking(class, environments.Items))
	}
	return conclude(invalid)
}

// catalogueMatches is what the condition says of that name.
func catalogueMatches(class *v1alpha1.CRMClass) string {
	c := meta.FindStatusCondition(class.Status.Conditions, v1alpha1.ConditionCatalogueMatches)
	if c == nil {
		return ""
	}
	return c.Message
}

// tellLacking names the environments, which the status must not, in an event.
func (r *Classes) tellLacking(class *v1alpha1.CRMClass, lacking []status.Lack) {
	if len(lacking) == 0 {
		return
	}
	said := make([]string, len(lacking))
	for i, lack := range lacking {
		said[i] = lack.String()
	}
	r.Status.event(class, corev1.EventTypeWarning, v1alpha1.ReasonCatalogueMismatch, "Check", strings.Join(said, "; "))
}

// SetupWithManager registers the controller.
func (r *Classes) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMClass{}, builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMEnvironment{}, handler.EnqueueRequestsFromMapFunc(classOfEnvironment), builder.WithPredicates(unknownNamesChanged())).
		WithOptions(options()).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMClass] = (*Classes)(nil)

func classOfEnvironment(_ context.Context, o client.Object) []reconcile.Request {
	if env, ok := o.(*v1alpha1.CRMEnvironment); ok {
		return request("", env.Spec.ClassRef.Name)
	}
	return nil
}

// unknownNamesChanged lets through what a class says of its environments.
func unknownNamesChanged() predicate.Predicate {
	of := func(o client.Object) (catalogue string, names []string) {
		if env, ok := o.(*v1alpha1.CRMEnvironment); ok && env.Status.Access != nil {
			return env.Status.Access.Catalogue, env.Status.Access.UnknownNames
		}
		return "", nil
	}
	said := func(o client.Object) bool {
		catalogue, _ := of(o)
		return catalogue != ""
	}
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		DeleteFunc: func(e event.DeleteEvent) bool { return said(e.Object) },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, lackedBefore := of(e.ObjectOld)
			after, lacks := of(e.ObjectNew)
			return before != after || !equality.Semantic.DeepEqual(lackedBefore, lacks)
		},
	}
}
