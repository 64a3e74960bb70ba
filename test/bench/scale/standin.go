package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// standInWorkers bounds the stand-in's requests at once.
const standInWorkers = 8

// standIn does what Kubernetes' controllers and a node would: it says of every workload that it is ready, and of every job that it
// is done, with one status write each. It is as fast as it can be, so that what is measured is not its work.
type standIn struct {
	client client.Client
	queue  chan client.Object
	errs   chan error
}

// runStandIn runs until the context ends.
func runStandIn(ctx context.Context, w *world) (*standIn, error) {
	ours := labels.SelectorFromSet(labels.Set{naming.LabelManagedBy: naming.ManagedBy})
	informers, err := cache.New(w.config, cache.Options{Scheme: w.Scheme(), DefaultLabelSelector: ours, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return nil, err
	}
	s := &standIn{client: w, queue: make(chan client.Object, 1<<16), errs: make(chan error, 1)}
	for _, kind := range []client.Object{&appsv1.StatefulSet{}, &appsv1.Deployment{}, &batchv1.Job{}} {
		informer, err := informers.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, err
		}
		react := func(o any) {
			if object, ok := o.(client.Object); ok {
				s.queue <- object
			}
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: react, UpdateFunc: func(_, o any) { react(o) }}); err != nil {
			return nil, err
		}
	}
	go func() { _ = informers.Start(ctx) }()
	for range standInWorkers {
		go s.work(ctx)
	}
	return s, nil
}

func (s *standIn) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-s.queue:
			if err := client.IgnoreNotFound(s.makeReady(ctx, o)); err != nil && ctx.Err() == nil {
				select {
				case s.errs <- err:
				default: // One is enough.
				}
			}
		}
	}
}

func (s *standIn) makeReady(ctx context.Context, seen client.Object) error {
	after, ok := seen.DeepCopyObject().(client.Object)
	if !ok || !advance(after) {
		return nil
	}
	if err := s.client.Status().Patch(ctx, after, client.MergeFrom(seen)); err != nil {
		gvk, _ := apiutil.GVKForObject(seen, s.client.Scheme())
		return fmt.Errorf("the stand-in's status of %s %s: %w", gvk.Kind, client.ObjectKeyFromObject(seen), err)
	}
	return nil
}

// advance tells whether there was anything to say.
func advance(o client.Object) bool {
	switch o := o.(type) {
	case *appsv1.StatefulSet:
		if o.Status.ObservedGeneration == o.Generation {
			return false
		}
		n := *o.Spec.Replicas
		o.Status = appsv1.StatefulSetStatus{
			ObservedGeneration: o.Generation, Replicas: n, ReadyReplicas: n, AvailableReplicas: n, CurrentReplicas: n, UpdatedReplicas: n,
			CurrentRevision: "1", UpdateRevision: "1",
		}
	case *appsv1.Deployment:
		if o.Status.ObservedGeneration == o.Generation {
			return false
		}
		n := *o.Spec.Replicas
		o.Status = appsv1.DeploymentStatus{
			ObservedGeneration: o.Generation, Replicas: n, ReadyReplicas: n, AvailableReplicas: n, UpdatedReplicas: n,
		}
	case *batchv1.Job:
		if o.Status.CompletionTime != nil {
			return false
		}
		now := metav1.NewTime(time.Now())
		o.Status = batchv1.JobStatus{StartTime: &now, CompletionTime: &now, Succeeded: 1, Conditions: []batchv1.JobCondition{
			{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: now},
		}}
	}
	return true
}
