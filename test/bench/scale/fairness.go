package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// fairnessSamples is how many environments are made one after another when nothing else is, and at most in a crowd.
const fairnessSamples = 25

// fairness is how long a tenant waits for one new environment, from its declaration until it waits for its database to start.
type fairness struct {
	// Crowd is how many environments another tenant declares at once.
	Crowd int `json:"crowd"`
	// Idle and Crowded are seconds, in order of size: when nothing else is made, and while the crowd is.
	Idle    []float64 `json:"idleSeconds"`
	Crowded []float64 `json:"crowdedSeconds"`
	// CrowdSeconds is how long the crowd took.
	CrowdSeconds float64 `json:"crowdSeconds"`
}

// measureFairness runs on a control plane of its own.
func measureFairness(ctx context.Context, o options) (f *fairness, err error) {
	w, err := newWorld(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = w.remove(err) }()
	m, _, err := startManager(ctx, w, o)
	if err != nil {
		return nil, err
	}
	defer m.stop() //nolint:errcheck // it has done its work
	g, err := newGuest(ctx, w, m, o)
	if err != nil {
		return nil, err
	}
	defer g.leave()
	f = &fairness{Crowd: o.fairness}
	for range fairnessSamples {
		seconds, err := g.another(ctx)
		if err != nil {
			return nil, err
		}
		f.Idle = append(f.Idle, seconds)
	}
	slices.Sort(f.Idle)
	return f, g.among(ctx, f, o.parallel)
}

// guest is a tenant that declares one environment after another, beside one that declares a crowd.
type guest struct {
	world *world
	watch *environmentWatch
	leave func()
	made  int
}

const (
	guestTenant = "guest"
	crowdTenant = "crowd"
)

func newGuest(ctx context.Context, w *world, m *manager, o options) (*guest, error) {
	tenants := &fleet{tenants: []*v1alpha1.CRMTenant{newTenant(guestTenant), newTenant(crowdTenant)}}
	if err := declare(ctx, w, m, tenants, o.parallel); err != nil {
		return nil, err
	}
	watch, stop, err := watchEnvironments(ctx, w)
	if err != nil {
		return nil, err
	}
	g := &guest{world: w, watch: watch, leave: stop}
	_, err = g.another(ctx) // The first one is slower: the manager has not done it yet.
	return g, err
}

// another gives how long the guest's next environment took.
func (g *guest) another(ctx context.Context) (float64, error) {
	env := newEnvironment(guestTenant, fmt.Sprintf("env-%d", g.made))
	g.made++
	began := time.Now()
	if err := g.world.Create(ctx, env); err != nil {
		return 0, err
	}
	err := g.watch.until(ctx, 1, func(e *v1alpha1.CRMEnvironment) bool {
		return e.Namespace == env.Namespace && e.Name == env.Name && waitsForDatabase(e)
	})
	return time.Since(began).Seconds(), err
}

// among measures while the crowd is made.
func (g *guest) among(ctx context.Context, f *fairness, parallel int) error {
	crowd := make([]*v1alpha1.CRMEnvironment, f.Crowd)
	for i := range crowd {
		crowd[i] = newEnvironment(crowdTenant, fmt.Sprintf("env-%d", i))
	}
	began := time.Now()
	if err := createAll(ctx, g.world, crowd, parallel); err != nil {
		return err
	}
	for len(f.Crowded) < fairnessSamples {
		seconds, err := g.another(ctx)
		if err != nil {
			return err
		}
		if g.crowdIsMade(f.Crowd) {
			break // Part of the time there was no crowd any more.
		}
		f.Crowded = append(f.Crowded, seconds)
	}
	slices.Sort(f.Crowded)
	err := g.watch.until(ctx, f.Crowd, inCrowdAndMade)
	f.CrowdSeconds = time.Since(began).Seconds()
	return err
}

func (g *guest) crowdIsMade(n int) bool {
	made, _ := g.watch.count(inCrowdAndMade)
	return made == n
}

func inCrowdAndMade(e *v1alpha1.CRMEnvironment) bool {
	return e.Namespace == naming.HomeNamespace(crowdTenant) && waitsForDatabase(e)
}

// quantile of sorted values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func (r *report) printFairness(to io.Writer) {
	if len(r.Fairness) == 0 {
		return
	}
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nanother tenant's crowd\tmade in\tone environment, alone: p50\tp99\tamong the crowd: p50\tp99\tratio of p50\tof p99\tsamples")
	for _, f := range r.Fairness {
		alone, among := quantile(f.Idle, 0.5), quantile(f.Crowded, 0.5)
		aloneWorst, amongWorst := quantile(f.Idle, 0.99), quantile(f.Crowded, 0.99)
		fmt.Fprintf(t, "%d\t%.1f s\t%.2f s\t%.2f s\t%.2f s\t%.2f s\t%.1f\t%.1f\t%d\n", f.Crowd, f.CrowdSeconds,
			alone, aloneWorst, among, amongWorst, among/alone, amongWorst/aloneWorst, len(f.Crowded))
	}
	t.Flush() //nolint:errcheck // a person reads it
}
