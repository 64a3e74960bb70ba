package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// bare applies exactly the planned objects, as many at once as is best, and does nothing else.
func bare(ctx context.Context, w *world, o options, n int) (sample, error) {
	f, err := newFleet(w.settings, "bare", n)
	if err != nil {
		return sample{}, err
	}
	m, err := w.begin("", 0)
	if err != nil {
		return sample{}, err
	}
	stage, total, err := w.applyFleet(ctx, f, o.parallel)
	if err != nil {
		return sample{}, err
	}
	s, err := m.end(n)
	s.StageSeconds, s.TotalSeconds, s.Objects = stage.Seconds(), total.Seconds(), len(f.planned[0].all())
	return s, err
}

// applyFleet returns after how long the objects of the first stage and all objects were there.
func (w *world) applyFleet(ctx context.Context, f *fleet, parallel int) (stage, total time.Duration, err error) {
	var namespaces, first, later []*unstructured.Unstructured
	for _, p := range f.planned {
		namespaces, first, later = append(namespaces, p.first[0]), append(first, p.first[1:]...), append(later, p.later...)
	}
	began := time.Now()
	for _, objects := range [][]*unstructured.Unstructured{namespaces, first} {
		if err := w.applyAll(ctx, objects, parallel); err != nil {
			return 0, 0, err
		}
	}
	stage = time.Since(began)
	err = w.applyAll(ctx, later, parallel)
	return stage, time.Since(began), err
}

func (w *world) applyAll(ctx context.Context, objects []*unstructured.Unstructured, parallel int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, o := range objects {
		group.Go(func() error {
			err := w.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("bench"), client.ForceOwnership)
			if err != nil {
				return fmt.Errorf("applying %s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
			}
			return nil
		})
	}
	return group.Wait()
}

// bestParallelism tries each on the same server, after a first try that only warms it up.
func bestParallelism(ctx context.Context, o options) (best int, err error) {
	w, err := newWorld(ctx, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = w.remove(err) }()
	const environments = 20
	var shortest time.Duration
	for i, parallel := range []int{8, 8, 16, 32} {
		f, err := newFleet(w.settings, fmt.Sprintf("try-%d", i), environments)
		if err != nil {
			return 0, err
		}
		_, took, err := w.applyFleet(ctx, f, parallel)
		if err != nil {
			return 0, err
		}
		if i == 0 {
			continue
		}
		fmt.Fprintf(os.Stderr, "bare client, %d at once: %.3f s per environment\n", parallel, took.Seconds()/environments)
		if best == 0 || took < shortest {
			best, shortest = parallel, took
		}
	}
	return best, nil
}
