package controllers

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/status"
)

// environmentOfLabels maps an object of an environment to it. Labels are enough: the caches hold only what crmkeep made.
func environmentOfLabels(_ context.Context, o client.Object) []reconcile.Request {
	tenant, environment := o.GetLabels()[naming.LabelTenant], o.GetLabels()[naming.LabelEnvironment]
	if tenant == "" || environment == "" {
		return nil
	}
	return request(naming.HomeNamespace(tenant), environment)
}

// tenantOfLabels maps an object of a tenant's home to it.
func tenantOfLabels(_ context.Context, o client.Object) []reconcile.Request {
	tenant, environment := o.GetLabels()[naming.LabelTenant], o.GetLabels()[naming.LabelEnvironment]
	if tenant == "" || environment != "" {
		return nil
	}
	return request("", tenant)
}

func tenantOfEnvironment(_ context.Context, o client.Object) []reconcile.Request {
	tenant, ok := naming.TenantOfHome(o.GetNamespace())
	if !ok {
		return nil
	}
	return request("", tenant)
}

func request(namespace, name string) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}}
}

func (r *Environments) environmentsOfTenant(ctx context.Context, o client.Object) []reconcile.Request {
	return environmentsIn(ctx, r.Client, client.InNamespace(naming.HomeNamespace(o.GetName())), anyOfThem)
}

func (r *Environments) environmentsOfClass(ctx context.Context, o client.Object) []reconcile.Request {
	return environmentsIn(ctx, r.Client, client.MatchingFields{IndexClass: o.GetName()}, anyOfThem)
}

// neighboursOf are those that wait for the room or the host name that o gives up. The others have nothing to do with it: in a tenant
// that declares hundreds of environments at once each would bring hundreds of passes.
func (r *Environments) neighboursOf(ctx context.Context, o client.Object) []reconcile.Request {
	requests := environmentsIn(ctx, r.Client, client.InNamespace(o.GetNamespace()), mayWaitForRoom)
	if env, ok := o.(*v1alpha1.CRMEnvironment); ok && env.Spec.Hostname != "" {
		requests = append(requests, environmentsIn(ctx, r.Client, client.MatchingFields{indexHostname: env.Spec.Hostname}, anyOfThem)...)
	}
	return requests
}

// mayWaitForRoom is also true of an environment that was not judged since it was declared or edited.
func mayWaitForRoom(env *v1alpha1.CRMEnvironment) bool {
	ready := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionReady)
	return ready == nil || ready.ObservedGeneration != env.Generation || ready.Reason == v1alpha1.ReasonLimitExceeded
}

func anyOfThem(*v1alpha1.CRMEnvironment) bool { return true }

func environmentsIn(
	ctx context.Context, reader client.Reader, in client.ListOption, which func(*v1alpha1.CRMEnvironment) bool,
) []reconcile.Request {
	var list v1alpha1.CRMEnvironmentList
	if err := reader.List(ctx, &list, in, client.UnsafeDisableDeepCopy); err != nil {
		return nil // The cache cannot fail once it has started; if it has not, everything is reconciled anyway.
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if which(&list.Items[i]) {
			requests = append(requests, request(list.Items[i].Namespace, list.Items[i].Name)...)
		}
	}
	return requests
}

// declarationChanged lets spec changes and deletions through, and nothing that only touched status or metadata.
func declarationChanged() predicate.Predicate { return predicate.GenerationChangedPredicate{} }

// environmentChanged also lets through a deletion, a version that a migration has reached, that people may come in again, and the loss of a
// finalizer.
func environmentChanged() predicate.Predicate {
	progressed := predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := e.ObjectOld.(*v1alpha1.CRMEnvironment)
			after, ok2 := e.ObjectNew.(*v1alpha1.CRMEnvironment)
			return ok && ok2 && (before.Status.Version != after.Status.Version ||
				target.IsClosed(before) && !target.IsClosed(after) ||
				len(after.Finalizers) < len(before.Finalizers) ||
				before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero())
		},
		CreateFunc:  func(event.CreateEvent) bool { return true },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return true },
	}
	return predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, progressed)
}

// roomChanged lets through what may make or take room for a neighbour: a deletion, another size, a host name that is declared or had.
func roomChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() || url(e.ObjectOld) != url(e.ObjectNew)
		},
		DeleteFunc:  func(event.DeleteEvent) bool { return true },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

func url(o client.Object) string {
	if env, ok := o.(*v1alpha1.CRMEnvironment); ok {
		return env.Status.URL
	}
	return ""
}

// environmentOfRestore maps a restore in place to the environment whose application it stops.
func environmentOfRestore(_ context.Context, o client.Object) []reconcile.Request {
	if r, ok := o.(*v1alpha1.CRMRestore); ok && r.Spec.To.EnvironmentRef != nil {
		return request(r.Namespace, r.Spec.To.EnvironmentRef.Name)
	}
	return nil
}

// environmentsOfPolicy maps a role policy to the environments that it holds in.
func environmentsOfPolicy(_ context.Context, o client.Object) []reconcile.Request {
	var requests []reconcile.Request
	if p, ok := o.(*v1alpha1.CRMRolePolicy); ok {
		for _, name := range p.Spec.Environments {
			requests = append(requests, request(p.Namespace, name)...)
		}
	}
	return requests
}

// environmentOfSchedule maps a schedule to the environment that it keeps safe.
func environmentOfSchedule(_ context.Context, o client.Object) []reconcile.Request {
	if s, ok := o.(*v1alpha1.CRMBackupSchedule); ok {
		return request(s.Namespace, s.Spec.EnvironmentRef.Name)
	}
	return nil
}

// environmentOfBackup maps a backup to the environment that it is of.
func environmentOfBackup(_ context.Context, o client.Object) []reconcile.Request {
	if b, ok := o.(*v1alpha1.CRMBackup); ok {
		return request(b.Namespace, b.Spec.EnvironmentRef.Name)
	}
	return nil
}

// backupChanged lets through what an environment says of its backups, and what its deletion waits for.
func backupChanged() predicate.Predicate {
	said := func(o client.Object) (ready metav1.Condition, phase string) {
		b, ok := o.(*v1alpha1.CRMBackup)
		if !ok {
			return ready, ""
		}
		if c := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ConditionReady); c != nil {
			ready = *c
		}
		return ready, b.Status.Phase
	}
	return predicate.And[client.Object](notCreation(), predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, phaseBefore := said(e.ObjectOld)
		after, phaseAfter := said(e.ObjectNew)
		return before != after || phaseBefore != phaseAfter
	}})
}

// restoreBeganOrEnded lets through what stops an application and what lets it start again.
func restoreBeganOrEnded() predicate.Predicate {
	phase := func(o client.Object) string {
		if r, ok := o.(*v1alpha1.CRMRestore); ok {
			return r.Status.Phase
		}
		return ""
	}
	return predicate.And[client.Object](notCreation(), predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool { return phase(e.ObjectOld) != phase(e.ObjectNew) },
	})
}

// restoreTold lets through what an environment takes from a restore: that it began or ended, and what it says of itself if it fills the
// environment, which says the same.
func restoreTold() predicate.Predicate {
	filling := predicate.NewPredicateFuncs(func(o client.Object) bool {
		r, ok := o.(*v1alpha1.CRMRestore)
		return ok && target.IsFilling(r)
	})
	return predicate.Or(restoreBeganOrEnded(), predicate.And(filling, conditionsChanged()))
}

// accessCalledFor lets through what makes a difference to an environment's role policies: its declaration, that a review is asked for, that people
// are kept out, and another version, which may have other names.
func accessCalledFor() predicate.Predicate {
	return predicate.Or[client.Object](predicate.GenerationChangedPredicate{}, predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := e.ObjectOld.(*v1alpha1.CRMEnvironment)
			after, ok2 := e.ObjectNew.(*v1alpha1.CRMEnvironment)
			return ok && ok2 && (before.Annotations[naming.AnnotationReview] != after.Annotations[naming.AnnotationReview] ||
				!target.IsClosed(before) && target.IsClosed(after) || before.Status.Version != after.Status.Version ||
				status.IsNew(before.Status.Conditions) && !status.IsNew(after.Status.Conditions))
		},
	})
}

// becameReady lets through that the first pod of a component answers.
func becameReady() predicate.Predicate {
	ready := func(o client.Object) bool {
		d, ok := o.(*appsv1.Deployment)
		return ok && d.Status.ReadyReplicas > 0
	}
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		UpdateFunc:  func(e event.UpdateEvent) bool { return !ready(e.ObjectOld) && ready(e.ObjectNew) },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// healthChanged lets through what an environment says of its schedules.
func healthChanged() predicate.Predicate {
	health := func(o client.Object) (condition metav1.Condition, proven *metav1.Time) {
		s, ok := o.(*v1alpha1.CRMBackupSchedule)
		if !ok {
			return condition, nil
		}
		if c := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionBackupHealthy); c != nil {
			condition = *c
		}
		return condition, s.Status.LastProven
	}
	return predicate.And[client.Object](notCreation(), predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, provenBefore := health(e.ObjectOld)
		after, provenAfter := health(e.ObjectNew)
		return before != after || !provenBefore.Equal(provenAfter) ||
			e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
	}})
}

// cameOrWent counts.
func cameOrWent() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}
}

// notCreation leaves out the events of our own creations, and of the start, when every environment is looked at anyway.
func notCreation() predicate.Predicate {
	return predicate.Funcs{CreateFunc: func(e event.CreateEvent) bool { return !e.IsInInitialList && isLate(e.Object) }}
}

// declarationOrMetadataChanged is for kinds whose status says nothing that is waited for.
func declarationOrMetadataChanged() predicate.Predicate {
	return predicate.And[client.Object](notCreation(), predicate.Or[client.Object](
		predicate.GenerationChangedPredicate{}, predicate.LabelChangedPredicate{}, predicate.AnnotationChangedPredicate{}, withoutGeneration()))
}

// withoutGeneration lets through changes of kinds that count no generations, such as ConfigMaps and ServiceAccounts.
func withoutGeneration() predicate.Predicate {
	return predicate.NewPredicateFuncs(func(o client.Object) bool { return o.GetGeneration() == 0 })
}
