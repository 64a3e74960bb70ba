package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// Runs starts and removes the Jobs of backups, of restores and of the care of repositories.
type Runs struct {
	Client   client.Client
	Observer *observe.Observer
	// Uncached counts the runs that there are: a cache would let two begin at once.
	Uncached client.Reader
	Applier  *apply.Applier
	Settings settings.Settings

	starting sync.Mutex
}

// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;create;patch

// Start makes a run of the environment, unless another one runs there or as many as may run already do. Places are the locations where it
// takes one; nil for a run that waits for no place, because people wait for it.
func (r *Runs) Start(ctx context.Context, t *target.Target, job string, places []v1alpha1.CRMBackupLocation, planned []object.Object) (*facts.Run, error) {
	// One start at a time in this process, and the lease lets only one process work: what is counted is what there is.
	r.starting.Lock()
	defer r.starting.Unlock()
	runs, err := list(ctx, r.Uncached)
	if err != nil {
		return nil, err
	}
	if err := validate.Alone(runIn(planned), runs); err != nil {
		return nil, err
	}
	if len(places) > 0 {
		var names []string
		for i := range places {
			names = append(names, places[i].Name)
		}
		if err := validate.Capacity(r.Settings, job, names, runs); err != nil {
			return nil, err
		}
	}
	if _, err := r.Applier.Apply(ctx, toApply(planned)); err != nil {
		return nil, err
	}
	return &facts.Run{Namespace: t.Namespace, Name: job}, nil
}

// Idle tells, as far as the cache knows, that no run of the environment but this one is under way.
func (r *Runs) Idle(ctx context.Context, namespace, job string) error {
	runs, err := list(ctx, r.Client, client.InNamespace(namespace))
	if err != nil {
		return err
	}
	return validate.Alone(facts.Run{Namespace: namespace, Name: job}, runs)
}

// runIn is the run that planned objects make.
func runIn(planned []object.Object) facts.Run {
	for _, o := range planned {
		if j, ok := o.Configuration.(*batchv1ac.JobApplyConfiguration); ok {
			kind, _, _ := strings.Cut(j.Labels[naming.LabelRunOf], ".")
			return facts.Run{Namespace: *j.Namespace, Name: *j.Name, Kind: kind, Repository: j.Annotations[naming.AnnotationRepository]}
		}
	}
	return facts.Run{}
}

func list(ctx context.Context, reader client.Reader, options ...client.ListOption) ([]facts.Run, error) {
	var jobs batchv1.JobList
	options = append(options, client.HasLabels{naming.LabelRun}, client.MatchingLabels{naming.LabelManagedBy: naming.ManagedBy})
	if err := reader.List(ctx, &jobs, options...); err != nil {
		return nil, fmt.Errorf("listing the runs: %w", err)
	}
	runs := make([]facts.Run, len(jobs.Items))
	for i := range jobs.Items {
		runs[i] = observe.RunOf(&jobs.Items[i])
	}
	return runs, nil
}

// cacheLag is when to look again for what the API server has and the cache has not.
const cacheLag = 500 * time.Millisecond

// Look finds a run; nil when there is none. One that has begun and has no Job any more is lost.
func (r *Runs) Look(ctx context.Context, namespace, job string, begun bool) (run *facts.Run, lost bool, err error) {
	run, err = r.Observer.Run(ctx, namespace, job)
	if err != nil || run != nil || !begun {
		return run, false, err
	}
	o := metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job"}}
	err = r.Uncached.Get(ctx, types.NamespacedName{Namespace: namespace, Name: job}, &o)
	switch {
	case apierrors.IsNotFound(err):
		return nil, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("asking for Job %s: %w", job, err)
	}
	return nil, false, outcome.Wait(v1alpha1.ReasonProgressing, cacheLag, "the run begins")
}

// runKind is a kind of which a run has an object.
type runKind struct {
	kind  schema.GroupVersionKind
	empty func() client.Object
}

// runKinds are what a run consists of, the Job first: a run that goes on is ended before what it needs is taken away.
var runKinds = []runKind{
	{batchv1.SchemeGroupVersion.WithKind("Job"), func() client.Object { return &batchv1.Job{} }},
	{networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"), func() client.Object { return &networkingv1.NetworkPolicy{} }},
	{corev1.SchemeGroupVersion.WithKind("ConfigMap"), func() client.Object { return &corev1.ConfigMap{} }},
}

// Remove deletes what is left of a run, and ends it if it has not ended. It waits until its pods are gone.
func (r *Runs) Remove(ctx context.Context, home, environment, job string) error {
	tenant, ok := naming.TenantOfHome(home)
	if !ok {
		return nil
	}
	owner := apply.Owner{Tenant: tenant, Environment: environment}
	key := types.NamespacedName{Namespace: naming.WorkloadNamespace(tenant, environment), Name: job}
	order, err := r.removal(ctx, key)
	if err != nil {
		return err
	}
	for _, k := range order {
		err := r.Client.Get(ctx, key, k.empty())
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := r.Applier.Delete(ctx, owner, k.kind, key); err != nil {
			return err
		}
	}
	var pods corev1.PodList
	labels := client.MatchingLabels{naming.LabelRun: job}
	if err := r.Client.List(ctx, &pods, client.InNamespace(key.Namespace), labels, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the pods of run %s: %w", job, err)
	}
	if len(pods.Items) > 0 {
		return outcome.Wait(v1alpha1.ReasonStopping, teardownPoll, "waiting for the run's pod to end")
	}
	return nil
}

// removal is the order in which what is left of a run goes. The Job of one that has ended goes last: by it the run is found, and whoever is
// interrupted finds what is left.
func (r *Runs) removal(ctx context.Context, key types.NamespacedName) ([]runKind, error) {
	order := slices.Clone(runKinds)
	run, err := r.Observer.Run(ctx, key.Namespace, key.Name)
	if run != nil && run.Ended {
		slices.Reverse(order)
	}
	return order, err
}

// ofRun maps what belongs to a run of these kinds to the object that it is for.
func ofRun(kinds ...string) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, o client.Object) []reconcile.Request {
		kind, name, ok := strings.Cut(o.GetLabels()[naming.LabelRunOf], ".")
		tenant := o.GetLabels()[naming.LabelTenant]
		if !ok || tenant == "" || !slices.Contains(kinds, kind) {
			return nil
		}
		return request(naming.HomeNamespace(tenant), name)
	})
}

// workloadOf an object that names an environment of its own namespace.
func workloadOf(home, environment string) (string, error) {
	tenant, ok := naming.TenantOfHome(home)
	if !ok {
		return "", outcome.Reject(v1alpha1.ReasonHomeNamespaceUnknown,
			"metadata.namespace: %q is not a tenant's home namespace; declare it in the namespace in the CRMTenant's status", home)
	}
	return naming.WorkloadNamespace(tenant, environment), nil
}

// hold keeps an object from going before the runs that are made for it.
func hold(ctx context.Context, c client.Client, o client.Object) error {
	return changeFinalizer(ctx, c, o, controllerutil.AddFinalizer)
}

// letGo ends that.
func letGo(ctx context.Context, c client.Client, o client.Object) error {
	return client.IgnoreNotFound(changeFinalizer(ctx, c, o, controllerutil.RemoveFinalizer))
}

func changeFinalizer(ctx context.Context, c client.Client, o client.Object, change func(client.Object, string) bool) error {
	base, ok := o.DeepCopyObject().(client.Object)
	if !ok || !change(o, naming.FinalizerRun) {
		return nil
	}
	return c.Patch(ctx, o, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
}
