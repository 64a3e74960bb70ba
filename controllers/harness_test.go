package controllers_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/controllers"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/await"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	prepared "github.com/crmkeep/crmkeep/internal/testing/installation"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
	"github.com/crmkeep/crmkeep/internal/vault"
)

// patience is how long a test waits for what must come about. A machine with few processors and many tests is slow.
const patience = 4 * time.Minute

const operatorNamespace = prepared.OperatorNamespace

// installation is a cluster and a Vault, prepared for the operator, which does not run yet.
type installation struct {
	client.Client // an administrator's, without a cache

	prepared *prepared.Installation
	server   *apitest.Server
	vault    *vaulttest.Server
	keys     *vault.Client
	settings settings.Settings
	recorder *apitest.Recorder
	network  *network
	// leftover is what the queues of operators that were killed have left in the process's metrics.
	leftover int
}

func install(t *testing.T) *installation {
	t.Helper()
	s := build.Settings(func(s *settings.Settings) {
		s.Exposure.Ingress = &settings.IngressExposure{ClassName: "test"}
	})
	ready := prepared.Start(t, s)
	in := &installation{
		Client: ready.Client, prepared: ready, server: ready.Server, vault: ready.Vault, settings: s,
		network: &network{addresses: map[string]string{}},
	}
	var err error
	in.keys, err = vault.New(vault.Config{
		Address: in.vault.Address, Settings: ready.Layout, Login: vault.KubernetesLogin(ready.Layout, ready.TokenFile), Timeout: 10 * time.Second,
	})
	require.NoError(t, err)
	in.create(t, build.Class())
	in.create(t, governed())
	return in
}

// operate runs a manager with the operator's rights and records its requests. It returns a function that ends it; the end of the test
// does too.
func (in *installation) operate(t *testing.T) (stop func()) {
	t.Helper()
	var config *rest.Config
	config, in.recorder = apitest.Record(in.prepared.OperatorConfig())
	in.leftover = busy(t)
	return in.run(t, config)
}

func (in *installation) run(t *testing.T, config *rest.Config) (stop func()) {
	t.Helper()
	options := controllers.Options{
		MetricsAddress: "0", HealthAddress: "0", SharedProcess: true, Dial: in.network.dial, AccessInterval: accessInterval,
	}
	manager, err := controllers.NewManager(config, options, in.settings, in.keys)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	running := true
	stop = func() {
		if running {
			running = false
			cancel()
			require.NoError(t, <-ended)
		}
	}
	t.Cleanup(stop)
	require.True(t, manager.GetCache().WaitForCacheSync(ctx))
	return stop
}

func (in *installation) create(t *testing.T, o client.Object) {
	t.Helper()
	o.SetGeneration(0)
	require.NoError(t, in.Create(t.Context(), o))
}

// tenant makes one and waits for its home.
func (in *installation) tenant(t *testing.T, name string, change ...func(*v1alpha1.CRMTenant)) *v1alpha1.CRMTenant {
	t.Helper()
	tenant := build.Tenant(name, change...)
	in.create(t, tenant)
	in.until(t, "the tenant's home is ready", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(tenant), tenant); err != nil {
			return err
		}
		return statuscheck.Is(tenant.Generation, tenant.Status.ObservedGeneration, tenant.Status.Conditions, "True Succeeded")
	})
	return tenant
}

// environment makes one.
func (in *installation) environment(t *testing.T, tenant, name string, change ...func(*v1alpha1.CRMEnvironment)) *v1alpha1.CRMEnvironment {
	t.Helper()
	env := build.Environment(tenant, name, change...)
	in.create(t, env)
	return env
}

// ready makes an environment and waits until it is.
func (in *installation) ready(t *testing.T, tenant, name string, change ...func(*v1alpha1.CRMEnvironment)) *v1alpha1.CRMEnvironment {
	t.Helper()
	env := in.environment(t, tenant, name, change...)
	in.comesTo(t, env, "True Succeeded")
	return env
}

// comesTo waits until the environment's newest declaration has come to that summary, such as "True Succeeded" or "Stalled Invalid".
func (in *installation) comesTo(t *testing.T, env *v1alpha1.CRMEnvironment, want string) {
	t.Helper()
	in.until(t, env.Namespace+"/"+env.Name+" comes to "+want, func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(env), env); err != nil {
			return err
		}
		return statuscheck.Is(env.Generation, env.Status.ObservedGeneration, env.Status.Conditions, want)
	})
}

// message of the environment's condition.
func message(env *v1alpha1.CRMEnvironment, kind string) string {
	c := meta.FindStatusCondition(env.Status.Conditions, kind)
	if c == nil {
		return ""
	}
	return c.Message
}

// edit changes an object, however often somebody else was faster.
func edit[T client.Object](t *testing.T, in *installation, o T, change func(T)) {
	t.Helper()
	in.until(t, "the edit is taken", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		change(o)
		err := in.Update(t.Context(), o)
		if err != nil && !apierrors.IsConflict(err) {
			require.NoError(t, err)
		}
		return err
	})
}

// gone waits until an object is.
func (in *installation) gone(t *testing.T, o client.Object) {
	t.Helper()
	in.until(t, fmt.Sprintf("%T %s is gone", o, o.GetName()), func() error {
		err := in.Get(t.Context(), client.ObjectKeyFromObject(o), o)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there: %w", err)
	})
}

// until waits for a condition.
func (in *installation) until(t *testing.T, what string, condition func() error) {
	t.Helper()
	await.Until(t, patience, what, condition)
}

func workloadNamespace(env *v1alpha1.CRMEnvironment) string {
	tenant, _ := naming.TenantOfHome(env.Namespace)
	return naming.WorkloadNamespace(tenant, env.Name)
}

// mustBe is an error unless it holds.
func mustBe(holds bool, format string, args ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, args...)
}
