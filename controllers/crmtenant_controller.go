package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/tenancy"
	"github.com/crmkeep/crmkeep/internal/status"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmtenants,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmtenants/status,verbs=patch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmenvironments,verbs=list;watch

// Tenants reconciles CRMTenants.
type Tenants struct {
	Client  client.Client
	Applier *apply.Applier
	Status  StatusWriter
	Clock   *clock.Clock
}

// Reconcile takes one tenant one pass further.
func (r *Tenants) Reconcile(ctx context.Context, tenant *v1alpha1.CRMTenant) (ctrl.Result, error) {
	now := metav1.NewTime(r.Clock.Now())
	environments, err := r.environments(ctx, tenant)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !tenant.DeletionTimestamp.IsZero() {
		return r.teardown(ctx, tenant, environments)
	}
	if status.IsNew(tenant.Status.Conditions) {
		if err := r.start(ctx, tenant); err != nil {
			return conclude(client.IgnoreNotFound(err))
		}
	}
	applied := r.apply(ctx, tenant)
	if err := r.Status.Tenant(ctx, tenant, status.Tenant(tenant, len(environments), applied, now)); err != nil {
		return conclude(err)
	}
	return conclude(applied)
}

// start holds the object before anything is made for it, and says that work has begun.
func (r *Tenants) start(ctx context.Context, tenant *v1alpha1.CRMTenant) error {
	base := tenant.DeepCopy()
	if controllerutil.AddFinalizer(tenant, naming.FinalizerTenant) {
		if err := r.Client.Patch(ctx, tenant, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
			return err
		}
	}
	next := tenant.Status.DeepCopy()
	next.Conditions = status.Started(next.Conditions, tenant.Generation, metav1.NewTime(r.Clock.Now()))
	return r.Status.Tenant(ctx, tenant, *next)
}

// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=rolebindings,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,resourceNames=crmkeep-tenant-admin;crmkeep-tenant-auditor,verbs=bind

// apply brings the home namespace about. To give a ClusterRole to somebody, the manager must be allowed to: it has the verb "bind"
// on these two and on no other.
func (r *Tenants) apply(ctx context.Context, tenant *v1alpha1.CRMTenant) error {
	_, err := r.Applier.Apply(ctx, toApply(tenancy.Home(tenant)))
	return err
}

// environments of the tenant, by name.
func (r *Tenants) environments(ctx context.Context, tenant *v1alpha1.CRMTenant) ([]string, error) {
	var list v1alpha1.CRMEnvironmentList
	if err := r.Client.List(ctx, &list, client.InNamespace(naming.HomeNamespace(tenant.Name)), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the tenant's environments: %w", err)
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	slices.Sort(names)
	return names, nil
}

// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=rolebindings,verbs=delete

// teardown waits for the environments, takes the admins' rights away, and deletes the home namespace unless something in it or of
// it must stay: evidence, and workload namespaces whose data was retained.
func (r *Tenants) teardown(ctx context.Context, tenant *v1alpha1.CRMTenant, environments []string) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(tenant, naming.FinalizerTenant) {
		return ctrl.Result{}, nil
	}
	if err := r.takeApart(ctx, tenant, environments); err != nil {
		next := status.TenantDeleting(tenant, len(environments), err, metav1.NewTime(r.Clock.Now()))
		if err := r.Status.Tenant(ctx, tenant, next); err != nil {
			return conclude(client.IgnoreNotFound(err))
		}
		return conclude(err)
	}
	base := tenant.DeepCopy()
	controllerutil.RemoveFinalizer(tenant, naming.FinalizerTenant)
	return conclude(client.IgnoreNotFound(r.Client.Patch(ctx, tenant, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))))
}

func (r *Tenants) takeApart(ctx context.Context, tenant *v1alpha1.CRMTenant, environments []string) error {
	if len(environments) > 0 {
		return outcome.Wait(v1alpha1.ReasonEnvironmentsExist, 0,
			"the tenant is deleted once its environments are gone: %s. Delete them in namespace %s; what becomes of their data is in their spec.deletionPolicy",
			strings.Join(environments, ", "), naming.HomeNamespace(tenant.Name))
	}
	owner, home := apply.Owner{Tenant: tenant.Name}, naming.HomeNamespace(tenant.Name)
	if _, err := r.Applier.Prune(ctx, owner, home, []schema.GroupVersionKind{rbacv1.SchemeGroupVersion.WithKind("RoleBinding")}, nil); err != nil {
		return err
	}
	stays, err := r.mustStay(ctx, tenant)
	if err != nil || stays {
		return err
	}
	gone, err := r.Applier.Delete(ctx, owner, corev1.SchemeGroupVersion.WithKind("Namespace"), types.NamespacedName{Name: home})
	if w, ok := outcome.AsWaiting(err); ok && w.Reason == v1alpha1.ReasonNameClash {
		return nil // It is not ours, so it is not ours to delete.
	}
	if err == nil && !gone {
		return outcome.Wait(v1alpha1.ReasonDeleting, teardownPoll, "waiting for namespace %s to be gone", home)
	}
	return err
}

// mustStay tells whether the home namespace holds evidence, or the tenant has data that was retained.
func (r *Tenants) mustStay(ctx context.Context, tenant *v1alpha1.CRMTenant) (bool, error) {
	var evidence corev1.ConfigMapList
	if err := r.Client.List(ctx, &evidence, client.InNamespace(naming.HomeNamespace(tenant.Name)), client.HasLabels{naming.LabelEvidence}); err != nil {
		return false, fmt.Errorf("listing the tenant's evidence: %w", err)
	}
	var namespaces corev1.NamespaceList
	if err := r.Client.List(ctx, &namespaces, client.MatchingLabels{
		naming.LabelTenant: tenant.Name, naming.LabelNamespace: naming.NamespaceWorkload}); err != nil {
		return false, fmt.Errorf("listing the tenant's namespaces: %w", err)
	}
	return len(evidence.Items)+len(namespaces.Items) > 0, nil
}

// SetupWithManager registers the controller.
func (r *Tenants) SetupWithManager(mgr ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMTenant{}, builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMEnvironment{}, handler.EnqueueRequestsFromMapFunc(tenantOfEnvironment), builder.WithPredicates(cameOrWent()))
	for _, child := range []client.Object{&corev1.Namespace{}, &corev1.ResourceQuota{}, &rbacv1.RoleBinding{}} {
		b = b.Watches(child, handler.EnqueueRequestsFromMapFunc(tenantOfLabels), builder.WithPredicates(declarationOrMetadataChanged()))
	}
	return b.WithOptions(options()).Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMTenant] = (*Tenants)(nil)
