package faults

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
	"github.com/crmkeep/crmkeep/internal/testing/operator"
)

// Faults of an API server.
var apiFaults = map[string]faultproxy.Fault{
	"a conflict":                           {Answer: status(http.StatusConflict, "Conflict", 0)},
	"too many requests":                    {Answer: status(http.StatusTooManyRequests, "TooManyRequests", 1)},
	"an internal error":                    {Answer: status(http.StatusInternalServerError, "InternalError", 0)},
	"no service":                           {Answer: status(http.StatusServiceUnavailable, "ServiceUnavailable", 0)},
	"a time-out after the write was done":  {Answer: status(http.StatusGatewayTimeout, "Timeout", 0), LoseAnswer: true},
	"a hang-up before the write":           {LoseRequest: true},
	"a hang-up after the write":            {LoseAnswer: true},
	"an internal error after it was done":  {Answer: status(http.StatusInternalServerError, "InternalError", 0), LoseAnswer: true},
	"an answer that is no API server's":    {Answer: &faultproxy.Answer{Status: http.StatusBadGateway, ContentType: "text/html", Body: "<html>"}},
	"too many requests, without a time":    {Answer: status(http.StatusTooManyRequests, "TooManyRequests", 0)},
	"a conflict after the write was done":  {Answer: status(http.StatusConflict, "Conflict", 0), LoseAnswer: true},
	"no service, with a time to come back": {Answer: status(http.StatusServiceUnavailable, "ServiceUnavailable", 1)},
}

// status is an error as the API server answers it.
func status(code int, reason string, retryAfter int) *faultproxy.Answer {
	return &faultproxy.Answer{
		Status: code, RetryAfter: retryAfter, ContentType: "application/json",
		Body: fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":"a fault of the test"}`, reason, code),
	}
}

// everyWriteFailsOnce lives a life in which the first try of every write fails: in the full form a life for each fault, else one life
// with all of them by turns.
func everyWriteFailsOnce(t *testing.T, w *world, expected reference) {
	m := w.start(t)
	if !*full {
		var turns []faultproxy.Fault
		for _, fault := range apiFaults {
			turns = append(turns, fault)
		}
		w.liveWithRule(t, m, expected, firstTry(turns...))
		return
	}
	for name, fault := range apiFaults {
		t.Run(name, func(t *testing.T) { w.liveWithRule(t, m, expected, firstTry(fault)) })
	}
}

// liveWithRule lives with a rule of the API server's proxy.
func (w *world) liveWithRule(t *testing.T, m *operator.Manager, expected reference, rule func(faultproxy.Request) faultproxy.Fault) {
	t.Helper()
	w.api.Use(rule)
	defer w.api.Use(nil)
	w.live(t, expected, func(_ int, s stage) *operator.Manager {
		w.pass(t, s)
		return m
	})
}

// firstTry lets the first try of each write fail, by one of the faults in turn.
func firstTry(faults ...faultproxy.Fault) func(faultproxy.Request) faultproxy.Fault {
	var mu sync.Mutex
	tried := map[string]bool{}
	return func(r faultproxy.Request) faultproxy.Fault {
		mu.Lock()
		defer mu.Unlock()
		write := r.Method + " " + r.Path
		if !counts(r) || tried[write] {
			return faultproxy.Fault{}
		}
		tried[write] = true
		return faults[len(tried)%len(faults)]
	}
}

// watchesAreCut lives a life in which all watches end again and again, so that the caches are late and are filled anew.
func watchesAreCut(t *testing.T, w *world, expected reference) {
	m := w.start(t)
	var mu sync.Mutex
	writes, cut := 0, 0
	const every = 25 // A client waits longer after each cut.
	w.liveWithRule(t, m, expected, func(r faultproxy.Request) faultproxy.Fault {
		mu.Lock()
		defer mu.Unlock()
		if !counts(r) {
			return faultproxy.Fault{}
		}
		writes++
		if writes%every != 0 {
			return faultproxy.Fault{}
		}
		return faultproxy.Fault{Before: func() {
			n := w.api.CutWatches()
			mu.Lock()
			defer mu.Unlock()
			cut += n
		}}
	})
	assert.Positive(t, cut)
}

// Faults of Vault that are over when it is asked again.
var vaultFaults = []faultproxy.Fault{
	{Answer: vaultAnswer(http.StatusInternalServerError)},
	{Answer: vaultAnswer(http.StatusInternalServerError), LoseAnswer: true},
	{LoseAnswer: true},
	{LoseRequest: true},
	{Answer: vaultAnswer(http.StatusTooManyRequests)},
	{Answer: vaultAnswer(http.StatusServiceUnavailable)},
	{Answer: &faultproxy.Answer{Status: http.StatusBadGateway, ContentType: "text/html", Body: "<html>"}},
}

func vaultAnswer(code int) *faultproxy.Answer {
	return &faultproxy.Answer{Status: code, ContentType: "application/json", Body: `{"errors":["a fault of the test"]}`}
}

// vaultFailsOnce lives a life, in the full form one for each fault, in which Vault's first write of every stage fails: a wait after
// each write would take too long.
func vaultFailsOnce(t *testing.T, w *world, expected reference) {
	m := w.start(t)
	points := sample(len(vaultFaults), 1)
	for _, point := range points {
		w.live(t, expected, func(_ int, s stage) *operator.Manager {
			failed := false
			w.secrets.Use(func(r faultproxy.Request) faultproxy.Fault {
				if !r.IsWrite() || failed {
					return faultproxy.Fault{}
				}
				failed = true
				return vaultFaults[point]
			})
			w.pass(t, s)
			w.secrets.Use(nil)
			return m
		})
	}
}

// aSlowVaultIsWaitedFor takes longer than a request may.
func aSlowVaultIsWaitedFor(t *testing.T, w *world) {
	w.start(t)
	w.tenant(t, "unhurried")
	w.secrets.Use(func(faultproxy.Request) faultproxy.Fault { return faultproxy.Fault{Delay: 11 * time.Second} })
	w.create(t, build.Environment("unhurried", "prod"))
	env := w.comesTo(t, "unhurried", "prod", "Reconciling VaultSlow")
	assert.Contains(t, message(env, v1alpha1.ConditionKeysReady), "did not answer within 10s")
	w.secrets.Use(nil)
	w.comesTo(t, "unhurried", "prod", "True Succeeded")
}

// aForbiddenPathIsNamed has Vault refuse one environment's path, and another environment go on.
func aForbiddenPathIsNamed(t *testing.T, w *world) {
	w.start(t)
	w.tenant(t, "barred")
	const path = "/v1/crmkeep-pki/roles/crm-barred--prod.web"
	w.secrets.Use(func(r faultproxy.Request) faultproxy.Fault {
		if r.Path != path {
			return faultproxy.Fault{}
		}
		return faultproxy.Fault{Answer: &faultproxy.Answer{
			Status: http.StatusForbidden, ContentType: "application/json", Body: `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`,
		}}
	})
	w.create(t, build.Environment("barred", "prod"))
	w.create(t, build.Environment("barred", "other"))
	env := w.comesTo(t, "barred", "prod", "Reconciling VaultForbidden")
	assert.Contains(t, message(env, v1alpha1.ConditionKeysReady), "crmkeep-pki/roles/crm-barred--prod.web")
	w.comesTo(t, "barred", "other", "True Succeeded")
	require.Empty(t, w.pods(t, "barred", "prod"), "nothing runs without its keys")
	w.secrets.Use(nil)
	w.edit(t, "barred", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.barred.example" })
	w.comesTo(t, "barred", "prod", "True Succeeded")
}
