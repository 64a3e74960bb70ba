package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// memoryUse of the manager, in bytes.
type memoryUse struct {
	Resident  float64 `json:"resident"`
	Anonymous float64 `json:"anonymous"`
	// Base and Live are what the heap holds after a collection, without and with the environments.
	Base           float64 `json:"liveWithoutEnvironments"`
	Live           float64 `json:"live"`
	PerEnvironment float64 `json:"livePerEnvironment"`
}

func (m *manager) memory(ctx context.Context, o options, base float64, environments int) (*memoryUse, error) {
	u := &memoryUse{Base: base}
	var err error
	if u.Resident, u.Anonymous, err = memory(m.pid()); err != nil {
		return nil, err
	}
	if u.Live, err = m.live(ctx); err != nil {
		return nil, err
	}
	u.PerEnvironment = (u.Live - base) / float64(environments)
	if o.profile == 0 {
		return u, nil
	}
	return u, download(ctx, "http://"+m.profiles+"/debug/pprof/heap", filepath.Join(o.results, fmt.Sprintf("heap-%d.pprof", environments)))
}

// passUse is what a pass over all environments took.
type passUse struct {
	Seconds float64 `json:"seconds"`
	Passes  float64 `json:"passes"`
	// CPU seconds by process.
	CPU usage `json:"cpuSeconds"`
	// Writes and Reads are requests to the API server, lists and watches of caches left out.
	Writes float64 `json:"writes"`
	Reads  float64 `json:"reads"`
	// Vault is requests for all environments.
	Vault map[string]float64 `json:"vault"`
}

// secondPass has every environment looked at again by an edit of their class that changes nothing for them.
func secondPass(ctx context.Context, w *world, m *manager, n int) (*passUse, error) {
	before, err := m.counts(ctx)
	if err != nil {
		return nil, err
	}
	audit, err := w.auditSize()
	if err != nil {
		return nil, err
	}
	cpu, err := w.cpu("manager", m.pid())
	if err != nil {
		return nil, err
	}
	began := time.Now()
	class := &v1alpha1.CRMClass{}
	class.Name = "tryton"
	if err := w.Patch(ctx, class, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"displayName":"Tryton, looked at again"}}`))); err != nil {
		return nil, err
	}
	after, err := m.idle(ctx, before, n)
	if err != nil {
		return nil, err
	}
	u, err := m.use(after.since(before), w, audit, cpu)
	u.Seconds = time.Since(began).Seconds()
	u.Writes-- // The class's own status, which says that its new generation is valid.
	return u, err
}

func (m *manager) use(did counters, w *world, audit int64, cpu usage) (*passUse, error) {
	u := &passUse{Passes: did.sum(reconciles, "crmenvironment"), Reads: did.sum(requests, "GET")}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		u.Writes += did.sum(requests, method)
	}
	now, failed := w.cpu("manager", m.pid())
	u.CPU = now.since(cpu)
	var failedToo error
	u.Vault, failedToo = w.vaultRequests(audit)
	return u, errors.Join(failed, failedToo)
}

// restartUse is what a start with everything there took.
type restartUse struct {
	// CacheSeconds is from the start of the process until its workers run.
	CacheSeconds float64 `json:"cacheSeconds"`
	// Verified is from the start of the process until all environments were looked at.
	Verified passUse `json:"verified"`
}

// restart starts a manager. Reads are all that it asks, lists of its caches and discovery included.
func restart(ctx context.Context, w *world, o options, n int) (*manager, *restartUse, error) {
	audit, err := w.auditSize()
	if err != nil {
		return nil, nil, err
	}
	cpu, err := w.cpu("", 0)
	if err != nil {
		return nil, nil, err
	}
	m, cached, err := startManager(ctx, w, o)
	if err != nil {
		return nil, nil, err
	}
	profile := m.profile(ctx, o, "restart", n)
	counts, err := m.idle(ctx, nil, n)
	if err != nil {
		return m, nil, err
	}
	took := time.Since(m.started)
	u, err := m.use(counts, w, audit, cpu)
	u.Seconds = took.Seconds()
	return m, &restartUse{CacheSeconds: cached.Seconds(), Verified: *u}, errors.Join(err, <-profile)
}

// profile takes the manager's CPU profile while it does something, when one is wanted. The channel gives the outcome.
func (m *manager) profile(ctx context.Context, o options, doing string, n int) <-chan error {
	done := make(chan error, 1)
	if o.profile == 0 {
		done <- nil
		return done
	}
	go func() {
		url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", m.profiles, int(o.profile.Seconds()))
		done <- download(ctx, url, filepath.Join(o.results, fmt.Sprintf("cpu-%s-%d.pprof", doing, n)))
	}()
	return done
}

func download(ctx context.Context, url, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // nothing was written
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, response.Body)
	return errors.Join(err, out.Close())
}
