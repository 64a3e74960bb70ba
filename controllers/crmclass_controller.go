package controllers

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmclasses,verbs=get;list;watch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmclasses/status,verbs=patch

// Classes says of each CRMClass whether environments can use it.
type Classes struct {
	Client client.Client
	Status StatusWriter
	Now    func() time.Time
}

// Reconcile checks one class.
func (r *Classes) Reconcile(ctx context.Context, class *v1alpha1.CRMClass) (ctrl.Result, error) {
	invalid := validate.Class(class)
	if err := r.Status.Class(ctx, class, status.Class(class, invalid, metav1.NewTime(r.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	return conclude(invalid)
}

// SetupWithManager registers the controller.
func (r *Classes) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMClass{}, builder.WithPredicates(declarationChanged())).
		WithOptions(options()).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMClass] = (*Classes)(nil)
