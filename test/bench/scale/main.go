// Command scale measures how the cost of environments grows with their number. In one run three ways to bring the same
// environments about take turns, each on a fresh control plane: a bare parallel client, crmkeep's manager, and Helm.
// hack/bench-scale.sh builds what it needs and runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// wayNames are the ways to bring environments about.
var wayNames = []string{"bare", "crmkeep", "helm"}

// waysByName measure n environments on a fresh control plane.
var waysByName = map[string]func(ctx context.Context, w *world, o options, n int) (sample, error){"bare": bare, "crmkeep": operator, "helm": helm}

// options are the command line.
type options struct {
	sizes     []int
	ways      []string
	rounds    int
	helmLimit int
	// deletionLimit is the largest number whose deletion is measured, in the first round only.
	deletionLimit int
	parallel      int
	// fairness is the size of the crowd among which another tenant's environments are measured; 0 for not at all.
	fairness int
	// check fails when a count is not as it must be.
	check   bool
	crmkeep string
	helm    string
	results string
	// profile is how long the manager's CPU profile is taken; 0 for not at all.
	profile time.Duration
	// scratch holds what a run writes; it is removed at its end.
	scratch string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard())
	o, err := parse()
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func parse() (options, error) {
	var o options
	var sizes, ways string
	flag.StringVar(&sizes, "n", "30,100,300", "`numbers` of environments to measure with")
	flag.StringVar(&ways, "ways", strings.Join(wayNames, ","), "the `ways` to measure")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each is measured")
	flag.IntVar(&o.helmLimit, "helm-limit", 60, "how many environments Helm installs at most in one measurement; its time grows with their number and with nothing else")
	flag.IntVar(&o.deletionLimit, "deletion-limit", 300, "the largest number of environments whose deletion is measured; that is done once for each number")
	flag.IntVar(&o.parallel, "parallel", 0, "requests of the bare client at once; 0: the best of 8, 16 and 32, tried first")
	flag.IntVar(&o.fairness, "fairness", 300, "measure one tenant's environments while another declares so `many` at once; 0: do not")
	flag.BoolVar(&o.check, "check", false, "fail when a count of requests or passes is not as it must be")
	flag.StringVar(&o.crmkeep, "crmkeep", "bin/crmkeep", "the `program`")
	flag.StringVar(&o.helm, "helm", "helm", "the `program`")
	flag.StringVar(&o.results, "results", ".build/bench-scale", "`folder` for the results")
	flag.DurationVar(&o.profile, "profile", 0, "take a CPU profile of the manager for so `long` from the moment at which it begins")
	flag.Parse()
	for _, way := range strings.Split(ways, ",") {
		if waysByName[way] == nil {
			return o, fmt.Errorf("-ways: there is no way %q", way)
		}
		o.ways = append(o.ways, way)
	}
	for field := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1 {
			return o, fmt.Errorf("-n: %q is not a number of environments", field)
		}
		o.sizes = append(o.sizes, n)
	}
	return o, nil
}

func run(ctx context.Context, o options) (err error) {
	if o.scratch, err = os.MkdirTemp("", "crmkeep-scale-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.scratch) //nolint:errcheck // it is in the system's folder for such things
	if o.parallel == 0 {
		if o.parallel, err = bestParallelism(ctx, o); err != nil {
			return err
		}
	}
	r := newReport(o)
	// Also of a run that is ended early.
	defer func() { r.print(os.Stdout) }()
	for round := range o.rounds {
		for _, n := range o.sizes {
			if err := r.measure(ctx, o, round, n); err != nil {
				return fmt.Errorf("round %d of %d environments: %w", round+1, n, err)
			}
			// After every measurement, so that a run that is ended early has results too.
			if err := r.write(o.results); err != nil {
				return err
			}
		}
	}
	if err := r.fair(ctx, o); err != nil {
		return err
	}
	fmt.Println("results:", filepath.Join(o.results, "scale.json"), filepath.Join(o.results, "scale.svg"))
	if o.check {
		return r.check()
	}
	return nil
}

// fair measures fairness in each round, when that is wanted.
func (r *report) fair(ctx context.Context, o options) error {
	for round := range o.rounds {
		if o.fairness == 0 {
			return nil
		}
		f, err := measureFairness(ctx, o)
		if err != nil {
			return fmt.Errorf("fairness, round %d: %w", round+1, err)
		}
		r.Fairness = append(r.Fairness, *f)
		if err := r.write(o.results); err != nil {
			return err
		}
	}
	return nil
}

// measure lets each way bring n environments about, in an order that changes from round to round.
func (r *report) measure(ctx context.Context, o options, round, n int) error {
	for i := range o.ways {
		w, err := newWorld(ctx, o)
		if err != nil {
			return err
		}
		way := o.ways[(i+round)%len(o.ways)]
		if round > 0 {
			o.deletionLimit = 0
		}
		s, err := waysByName[way](ctx, w, o, n)
		if err := w.remove(err); err != nil {
			return err
		}
		s.Way, s.Round = way, round
		r.Samples = append(r.Samples, s)
		fmt.Fprintf(os.Stderr, "round %d: %4d environments, %-8s %7.2f s\n", round+1, n, s.Way, s.TotalSeconds)
	}
	return nil
}
