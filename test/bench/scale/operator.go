package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// operator lets crmkeep's manager bring environments about that are declared already, and then asks of it what it owes: a second
// pass, a restart, and the end of everything.
func operator(ctx context.Context, w *world, o options, n int) (s sample, err error) {
	f, err := newFleet(w.settings, "scale", n)
	if err != nil {
		return s, err
	}
	m, _, err := startManager(ctx, w, o)
	if err != nil {
		return s, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, tail(m.log.String()))
		}
		_ = m.stop()
	}()
	base, err := m.live(ctx)
	if err != nil {
		return s, err
	}
	if s, err = provision(ctx, w, o, m, f); err != nil {
		return s, err
	}
	if s.Memory, err = m.memory(ctx, o, base, n); err != nil {
		return s, err
	}
	if s.SecondPass, err = secondPass(ctx, w, m, n); err != nil {
		return s, err
	}
	if err = m.stop(); err != nil {
		return s, err
	}
	if m, s.Restart, err = restart(ctx, w, o, n); err != nil {
		return s, err
	}
	if n <= o.deletionLimit {
		s.Deletion, err = deletion(ctx, w, f)
	}
	return s, err
}

// provision measures from the moment at which the environments are there and the manager may work.
func provision(ctx context.Context, w *world, o options, m *manager, f *fleet) (s sample, err error) {
	watch, stop, err := watchEnvironments(ctx, w)
	if err != nil {
		return s, err
	}
	defer stop()
	if err := declare(ctx, w, m, f, o.parallel); err != nil {
		return s, err
	}
	begun, err := m.counts(ctx)
	if err != nil {
		return s, err
	}
	if err := m.signal(syscall.SIGSTOP); err != nil {
		return s, err
	}
	if err := createAll(ctx, w, f.environments, o.parallel); err != nil {
		return s, err
	}
	measured, err := w.begin("manager", m.pid())
	if err != nil {
		return s, err
	}
	profile := m.profile(ctx, o, "provision", len(f.environments))
	stage, total, err := bringAbout(ctx, w, m, f, watch)
	if err != nil {
		return s, err
	}
	after, err := m.idle(ctx, begun, 0)
	if err != nil {
		return s, err
	}
	if s, err = measured.end(len(f.environments)); err != nil {
		return s, err
	}
	s.StageSeconds, s.TotalSeconds, s.Objects = stage.Seconds(), total.Seconds(), len(f.planned[0].all())
	s.Reconciles = (after.sum(reconciles, "crmenvironment") - begun.sum(reconciles, "crmenvironment")) / float64(len(f.environments))
	s.ReconcilesPerObject = s.Reconciles / float64(s.Objects)
	return s, <-profile
}

// bringAbout runs in two parts. In the first nothing becomes ready, so that the manager comes to rest where it waits for databases. In
// the second a stand-in says of each workload that it is ready.
func bringAbout(ctx context.Context, w *world, m *manager, f *fleet, watch *environmentWatch) (stage, total time.Duration, err error) {
	began := time.Now()
	if err := m.signal(syscall.SIGCONT); err != nil {
		return 0, 0, err
	}
	if err := watch.until(ctx, len(f.environments), waitsForDatabase); err != nil {
		return 0, 0, err
	}
	stage = time.Since(began)
	if err := w.complete(ctx, f, planned.begun); err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began = time.Now()
	s, err := runStandIn(ctx, w)
	if err != nil {
		return 0, 0, err
	}
	if err := watch.until(ctx, len(f.environments), isReady); err != nil {
		select {
		case failed := <-s.errs:
			return 0, 0, fmt.Errorf("%w: %w", err, failed)
		default:
			return 0, 0, err
		}
	}
	total = stage + time.Since(began)
	return stage, total, w.complete(ctx, f, planned.lasting)
}

// declare makes the tenants and waits for their homes.
func declare(ctx context.Context, w *world, m *manager, f *fleet, parallel int) error {
	if err := createAll(ctx, w, f.tenants, parallel); err != nil {
		return err
	}
	err := poll(ctx, 50*time.Millisecond, func() (bool, error) {
		var list v1alpha1.CRMTenantList
		if err := w.List(ctx, &list); err != nil {
			return false, err
		}
		for i := range list.Items {
			if !meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1alpha1.ConditionReady) {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the tenants' homes: %w", err)
	}
	_, err = m.idle(ctx, nil, 0)
	return err
}

func createAll[T client.Object](ctx context.Context, w *world, objects []T, parallel int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, o := range objects {
		group.Go(func() error { return w.Create(ctx, o) })
	}
	return group.Wait()
}

// waitsForDatabase is where an environment comes to rest as long as nothing runs.
func waitsForDatabase(env *v1alpha1.CRMEnvironment) bool {
	database := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionDatabaseReady)
	return meta.IsStatusConditionTrue(env.Status.Conditions, v1alpha1.ConditionKeysReady) &&
		database != nil && database.Status == metav1.ConditionFalse && env.Status.ObservedGeneration == env.Generation
}

func isReady(env *v1alpha1.CRMEnvironment) bool {
	return meta.IsStatusConditionTrue(env.Status.Conditions, v1alpha1.ConditionReady) && env.Status.ObservedGeneration == env.Generation
}

// tail of a log, with which an error can be understood.
func tail(log string) string {
	const length = 3000
	return log[max(0, len(log)-length):]
}
