package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/await"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
	"github.com/crmkeep/crmkeep/internal/testing/installation"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// patience is how long a test waits for what must come about. A machine with few processors and many tests is slow, and a cache whose watch
// was cut again and again asks again after up to a minute, each kind's by itself: what goes through several kinds takes some minutes then.
const patience = 5 * time.Minute

// world is an installation whose operator sees the API server and Vault through proxies.
type world struct {
	*installation.Installation
	api      *faultproxy.Proxy
	secrets  *faultproxy.Proxy
	settings settings.Settings
	// objects is where backups are.
	objects *s3test.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{settings: build.Settings(func(s *settings.Settings) {
		s.Exposure.Ingress = &settings.IngressExposure{ClassName: "test"}
	})}
	w.Installation = installation.Start(t, w.settings, apitest.WithCertificatesIn(t.TempDir()))
	config := w.OperatorConfig()
	transport, err := rest.TransportFor(config)
	require.NoError(t, err)
	w.api = faultproxy.Start(t, config.Host, transport)
	w.secrets = faultproxy.Start(t, w.Vault.Address, nil)
	w.settings.Vault.Address, w.settings.Vault.CABundle = w.secrets.URL, w.secrets.CA
	w.create(t, build.Class(func(c *v1alpha1.CRMClass) {
		c.Spec.Checks = []v1alpha1.ClassCheck{{Name: "counts", Command: []string{"demo", "count"}}}
		c.Spec.Objects = []v1alpha1.ClassObject{{Name: "contact", Native: []string{"party.party"}}}
	}))
	w.objects = s3test.Start(t, "backups")
	return w
}

// use sets the same rule for both proxies.
func (w *world) use(rule func(faultproxy.Request) faultproxy.Fault) {
	w.api.Use(rule)
	w.secrets.Use(rule)
}

func (w *world) create(t *testing.T, o client.Object) {
	t.Helper()
	o.SetGeneration(0)
	w.until(t, "it can be declared", func() error { return w.Create(t.Context(), o) })
}

// tenant makes one and waits for its home.
func (w *world) tenant(t *testing.T, name string, change ...func(*v1alpha1.CRMTenant)) {
	t.Helper()
	tenant := build.Tenant(name, change...)
	w.create(t, tenant)
	w.until(t, "the tenant's home is ready", func() error { return w.tenantIs(t, name, "True Succeeded") })
}

func (w *world) tenantIs(t *testing.T, name, want string) error {
	t.Helper()
	tenant := &v1alpha1.CRMTenant{}
	if err := w.Get(t.Context(), client.ObjectKey{Name: name}, tenant); err != nil {
		return err
	}
	return statuscheck.Is(tenant.Generation, tenant.Status.ObservedGeneration, tenant.Status.Conditions, want)
}

// environmentIs compares the newest declaration's status with a summary, such as "True Succeeded".
func (w *world) environmentIs(t *testing.T, tenant, name, want string) error {
	t.Helper()
	env := &v1alpha1.CRMEnvironment{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: naming.HomeNamespace(tenant), Name: name}, env); err != nil {
		return err
	}
	return statuscheck.Is(env.Generation, env.Status.ObservedGeneration, env.Status.Conditions, want)
}

// comesTo waits until an environment is so, and gives it as it is then.
func (w *world) comesTo(t *testing.T, tenant, name, want string) *v1alpha1.CRMEnvironment {
	t.Helper()
	w.until(t, tenant+"/"+name+" comes to "+want, func() error { return w.environmentIs(t, tenant, name, want) })
	env := &v1alpha1.CRMEnvironment{}
	require.NoError(t, w.Get(t.Context(), client.ObjectKey{Namespace: naming.HomeNamespace(tenant), Name: name}, env))
	return env
}

// edit changes an environment, however often somebody else was faster.
func (w *world) edit(t *testing.T, tenant, name string, change func(*v1alpha1.CRMEnvironment)) {
	t.Helper()
	env := &v1alpha1.CRMEnvironment{}
	w.until(t, "the edit is taken", func() error {
		if err := w.Get(t.Context(), client.ObjectKey{Namespace: naming.HomeNamespace(tenant), Name: name}, env); err != nil {
			return err
		}
		change(env)
		return w.Update(t.Context(), env)
	})
}

// gone waits until an object is.
func (w *world) gone(t *testing.T, o client.Object) {
	t.Helper()
	w.until(t, fmt.Sprintf("%T %s is gone", o, o.GetName()), func() error { return w.isGone(t, o) })
}

func (w *world) isGone(t *testing.T, o client.Object) error {
	t.Helper()
	err := w.Get(t.Context(), client.ObjectKeyFromObject(o), o)
	if err == nil {
		return fmt.Errorf("%s is there", o.GetName())
	}
	return client.IgnoreNotFound(err)
}

// until waits for a condition.
func (w *world) until(t *testing.T, what string, condition func() error) {
	t.Helper()
	await.Until(t, patience, what, condition)
}

// layoutOf is an environment's part of Vault, without its roles.
func (w *world) layoutOf(tenant, name string) layout.Layout {
	return teardown.Environment{
		Tenant: tenant, Name: name, Namespace: naming.WorkloadNamespace(tenant, name), Settings: w.settings,
	}.Layout()
}

// message of a condition.
func message(env *v1alpha1.CRMEnvironment, kind string) string {
	if c := meta.FindStatusCondition(env.Status.Conditions, kind); c != nil {
		return c.Message
	}
	return ""
}
