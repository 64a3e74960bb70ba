package main

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// environmentWatch follows the status of all environments with one watch.
type environmentWatch struct {
	mu      sync.Mutex
	seen    map[client.ObjectKey]*v1alpha1.CRMEnvironment
	changed chan struct{}
}

func watchEnvironments(ctx context.Context, w *world) (watch *environmentWatch, stop func(), err error) {
	ctx, stop = context.WithCancel(ctx)
	informers, err := cache.New(w.config, cache.Options{Scheme: w.Scheme()})
	if err != nil {
		stop()
		return nil, nil, err
	}
	informer, err := informers.GetInformer(ctx, &v1alpha1.CRMEnvironment{}, cache.BlockUntilSynced(false))
	if err != nil {
		stop()
		return nil, nil, err
	}
	watch = &environmentWatch{seen: make(map[client.ObjectKey]*v1alpha1.CRMEnvironment), changed: make(chan struct{}, 1)}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: watch.see, UpdateFunc: func(_, o any) { watch.see(o) }})
	go func() { _ = informers.Start(ctx) }()
	return watch, stop, err
}

func (e *environmentWatch) see(o any) {
	env, ok := o.(*v1alpha1.CRMEnvironment)
	if !ok {
		return
	}
	e.mu.Lock()
	e.seen[client.ObjectKeyFromObject(env)] = env
	e.mu.Unlock()
	select {
	case e.changed <- struct{}{}:
	default: // Whoever waits looks at all of them.
	}
}

// until waits until so many environments have come to where they are wanted.
func (e *environmentWatch) until(ctx context.Context, want int, there func(*v1alpha1.CRMEnvironment) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		have, example := e.count(there)
		if have == want {
			return nil
		}
		select {
		case <-e.changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d environments: %w; one of the others: %+v", have, want, ctx.Err(), example)
		}
	}
}

// count those that are there, and give the conditions of one that is not.
func (e *environmentWatch) count(there func(*v1alpha1.CRMEnvironment) bool) (have int, example []metav1.Condition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, env := range e.seen {
		if there(env) {
			have++
		} else {
			example = env.Status.Conditions
		}
	}
	return have, example
}

// complete fails when a planned object does not exist.
func (w *world) complete(ctx context.Context, f *fleet, which func(planned) []*unstructured.Unstructured) error {
	existing := make(map[schema.GroupVersionKind]sets.Set[client.ObjectKey])
	for _, p := range f.planned {
		for _, o := range which(p) {
			gvk := o.GroupVersionKind()
			if existing[gvk] == nil {
				var err error
				if existing[gvk], err = w.keys(ctx, gvk); err != nil {
					return err
				}
			}
			if !existing[gvk].Has(client.ObjectKeyFromObject(o)) {
				return fmt.Errorf("%s %s/%s does not exist", gvk.Kind, o.GetNamespace(), o.GetName())
			}
		}
	}
	return nil
}

// keys of crmkeep's objects of a kind.
func (w *world) keys(ctx context.Context, gvk schema.GroupVersionKind) (sets.Set[client.ObjectKey], error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	if err := w.List(ctx, list, client.MatchingLabels{naming.LabelManagedBy: naming.ManagedBy}); err != nil && !meta.IsNoMatchError(err) {
		return nil, err
	}
	w.lists++
	keys := sets.New[client.ObjectKey]()
	for i := range list.Items {
		keys.Insert(client.ObjectKeyFromObject(&list.Items[i]))
	}
	return keys, nil
}
