package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/crmkeep/crmkeep/internal/testing/loopback"
)

// patience is how long anything may take.
const patience = 30 * time.Minute

// manager is crmkeep's manager as a process of its own, with the operator's identity and rights.
type manager struct {
	process  *exec.Cmd
	log      bytes.Buffer
	metrics  string
	profiles string
	started  time.Time
}

// startManager returns when the manager's caches are full and its workers run; it says how long that took.
func startManager(ctx context.Context, w *world, o options) (*manager, time.Duration, error) {
	metrics, err := loopback.Find()
	if err != nil {
		return nil, 0, err
	}
	profiles, err := loopback.Find()
	if err != nil {
		return nil, 0, err
	}
	m := &manager{metrics: metrics, profiles: profiles, started: time.Now()}
	m.process = exec.CommandContext(ctx, o.crmkeep, "manager", "--settings="+w.path("settings.yaml"),
		"--vault-token-file="+w.path("operator.vault-token"), "--metrics-bind-address="+metrics, "--pprof-bind-address="+profiles,
		"--health-probe-bind-address=0")
	m.process.Env = append(os.Environ(), "KUBECONFIG="+w.path("operator.kubeconfig"), "GOGC=200") // As the chart sets it.
	m.process.Stderr = &m.log
	if err := m.process.Start(); err != nil {
		return nil, 0, err
	}
	err = poll(ctx, 50*time.Millisecond, func() (bool, error) {
		c, err := m.counts(ctx)
		// Workers are counted once the caches that they read are full.
		return err == nil && c[workers+" crmenvironment"] > 0 && c[workers+" crmtenant"] > 0, nil
	})
	took := time.Since(m.started)
	if err != nil {
		return nil, 0, fmt.Errorf("starting the manager: %w\n%s", errors.Join(err, m.stop()), m.log.String())
	}
	return m, took, nil
}

func (m *manager) pid() int { return m.process.Process.Pid }

func (m *manager) signal(s syscall.Signal) error { return m.process.Process.Signal(s) }

func (m *manager) stop() error {
	_ = m.signal(syscall.SIGCONT)
	if err := m.signal(syscall.SIGTERM); err != nil {
		return err
	}
	return m.process.Wait()
}

// Metrics of the manager.
const (
	reconciles = "controller_runtime_reconcile_total"
	workers    = "controller_runtime_max_concurrent_reconciles"
	busy       = "controller_runtime_active_workers"
	depth      = "workqueue_depth"
	requests   = "rest_client_requests_total"
	heap       = "go_memstats_heap_alloc_bytes"
)

func (m *manager) counts(ctx context.Context) (counters, error) {
	return scrape(ctx, http.DefaultClient, "http://"+m.metrics+"/metrics", map[string][]string{
		reconciles: {"controller", "result"}, workers: {"controller"}, busy: {"controller"}, depth: {"controller"},
		requests: {"method", "code"}, heap: nil,
	})
}

// idle waits until nothing is queued and as many passes over environments were made since as are wanted.
func (m *manager) idle(ctx context.Context, since counters, passes int) (counters, error) {
	var now counters
	err := poll(ctx, 100*time.Millisecond, func() (done bool, err error) {
		if now, err = m.counts(ctx); err != nil {
			return false, err
		}
		passed := now.sum(reconciles, "crmenvironment") - since.sum(reconciles, "crmenvironment")
		return now.sum(depth) == 0 && now.sum(busy) == 0 && passed >= float64(passes), nil
	})
	return now, err
}

// live is what the manager's heap holds after a collection.
func (m *manager) live(ctx context.Context) (float64, error) {
	for range 2 { // The second run collects what finalizers have let go.
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.profiles+"/debug/pprof/heap?gc=1", nil)
		if err != nil {
			return 0, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		if err := response.Body.Close(); err != nil {
			return 0, err
		}
	}
	c, err := m.counts(ctx)
	return c[heap], err
}

func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	return wait.PollUntilContextTimeout(ctx, every, patience, true, func(context.Context) (bool, error) { return done() })
}
