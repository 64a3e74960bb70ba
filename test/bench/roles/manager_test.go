package roles

import (
	"context"
	"fmt"
	"math"
	"net/http/httputil"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/controllers"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/adapters"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
	"github.com/crmkeep/crmkeep/internal/vault"
)

const (
	// mostEnvironments of one policy.
	mostEnvironments = 32
	// patience is for what is no result.
	patience = 10 * time.Minute
	// realName and simulatedName are those of the environment with the real Tryton, and of classes.
	realName, simulatedName = "real", "simulated"
)

// leaverOfManager takes one person's bindings out of policies for all CRMs. It ends when the statuses of all environments say that the
// person is out, and every session that was open has ended.
func (w *world) leaverOfManager(t testing.TB) []measured {
	t.Helper()
	g := newGoverned(t)
	g.class(t, realName, w.real.Connection.Database)
	g.class(t, simulatedName, trytonsim.Database)
	w.governReal(t, g)
	w.governSimulated(t, g)
	g.operate(t)
	g.until(t, enforced, func(string) {})

	login := w.plan.People[0].Login
	sessions, before := map[string]func() bool{}, map[string]int64{}
	for name, crm := range g.crms {
		sessions[name] = crm.login(login)
		require.True(t, sessions[name](), "before")
		before[name] = crm.calls.Load()
	}
	began := time.Now()
	var edits time.Duration
	edited := make(chan error, 1)
	go func() {
		err := g.unbind(t.Context(), login)
		edits = time.Since(began)
		edited <- err
	}()
	var took []time.Duration
	g.until(t, func(env *v1alpha1.CRMEnvironment) bool { return isOut(env, login) }, func(name string) {
		require.False(t, sessions[name](), "the open session in %s", name)
		took = append(took, time.Since(began))
	})
	require.NoError(t, <-edited)
	last := measured{What: "one leaves all CRMs: the last of them", Seconds: percentile(took, 100), MostSeconds: 30, MostCalls: 10}
	for name, crm := range g.crms {
		last.Calls = max(last.Calls, int(crm.calls.Load()-before[name]))
	}
	return []measured{
		{What: "one leaves all CRMs: the edits of the policies", Seconds: edits.Seconds()},
		{What: "one leaves all CRMs: half of them", Seconds: percentile(took, 50), MostSeconds: 30},
		{What: "one leaves all CRMs: 99 of 100", Seconds: percentile(took, 99), MostSeconds: 30},
		last,
	}
}

// governReal gives the real Tryton, which has the whole policy already, to the manager.
func (w *world) governReal(t testing.TB, g *governed) {
	t.Helper()
	_, err := tryton.Adapter{}.Bring(t.Context(), w.real.Connection, w.plan, access.ModeApply)
	require.NoError(t, err)
	to, err := url.Parse(w.real.Connection.URL)
	require.NoError(t, err)
	crm := g.add(t, realName, realName, w.real.Connection.Password, httputil.NewSingleHostReverseProxy(to))
	crm.login = func(login string) func() bool {
		session := w.real.Login(t, login, w.passwords[login].Reveal())
		return func() bool {
			_, err := session.Read("party.party", []any{}, "id")
			return err == nil
		}
	}
	g.policy(t, policyName, policy(w.size), realName)
}

// governSimulated makes simulated Trytons, and the policies that their people come by.
func (w *world) governSimulated(t testing.TB, g *governed) {
	t.Helper()
	var names []string
	for i := range w.CRMs - 1 {
		name, sim := fmt.Sprintf("crm-%03d", i), trytonsim.New(t)
		crm := g.add(t, name, simulatedName, secret.New(trytonsim.OperatorPassword), sim.Handler)
		crm.login = func(login string) func() bool {
			session, err := sim.Login(login, g.password(t, name, login))
			require.NoError(t, err)
			return session.Open
		}
		names = append(names, name)
	}
	small := w.size
	small.People = min(simulatedPeople, w.People)
	for some := range slices.Chunk(names, mostEnvironments) {
		g.policy(t, policyName+"-"+some[0], policy(small), some...)
	}
}

// operate runs the controller of access, with the operator's rights, until the test ends.
func (g *governed) operate(t testing.TB) {
	t.Helper()
	manager, err := ctrl.NewManager(g.OperatorConfig(), ctrl.Options{
		Scheme: g.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Client: client.Options{FieldOwner: naming.FieldOwner},
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	require.NoError(t, err)
	keys, err := vault.New(vault.Config{Address: g.Vault.Address, Settings: g.Layout, Login: vault.KubernetesLogin(g.Layout, g.TokenFile)})
	require.NoError(t, err)
	require.NoError(t, (&controllers.Access{
		Client: manager.GetClient(), Observer: &observe.Observer{Reader: manager.GetClient()}, Uncached: manager.GetAPIReader(), Vault: keys,
		Status:   controllers.NewStatusWriter(manager.GetClient(), manager.GetEventRecorder(naming.FieldOwner)),
		Adapters: adapters.All(), Dial: g.dial, Interval: patience, Clock: &clock.Clock{},
	}).SetupWithManager(manager))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
}

// unbind takes somebody out of every policy, one after another, as a person's script does.
func (g *governed) unbind(ctx context.Context, login string) error {
	var policies v1alpha1.CRMRolePolicyList
	if err := g.List(ctx, &policies, client.InNamespace(naming.HomeNamespace(tenant))); err != nil {
		return err
	}
	for i := range policies.Items {
		for b := range policies.Items[i].Spec.Bindings {
			bound := &policies.Items[i].Spec.Bindings[b]
			bound.Subjects = slices.DeleteFunc(bound.Subjects, func(s v1alpha1.Subject) bool { return s.Name == login })
		}
		if err := g.Update(ctx, &policies.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

// enforced tells whether nothing is left to be done in an environment.
func enforced(env *v1alpha1.CRMEnvironment) bool {
	a := env.Status.Access
	return a != nil && a.EnforcedAt != nil && a.Failure == nil && len(a.Policies) == 1 && a.Policies[0].State == v1alpha1.AccessEnforced
}

func isOut(env *v1alpha1.CRMEnvironment, login string) bool {
	return env.Status.Access != nil && slices.ContainsFunc(env.Status.Access.Leavers, func(l v1alpha1.LeaverStatus) bool {
		return l.Name == login && l.DoneAt != nil
	})
}

// percentile in seconds: so many of 100 took no longer.
func percentile(of []time.Duration, percent float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[int(math.Ceil(percent/100*float64(len(sorted))))-1].Seconds()
}
