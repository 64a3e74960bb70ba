package roles

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/installation"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

const (
	// tenant of all environments: one customer's person leaves, and tenants have a share of the operator only.
	tenant = "acme"
	// webComponent of the class that is shipped.
	webComponent = "web"
	// pkiRole issues the certificates of all CRMs.
	pkiRole = "bench"
)

// governed is an installation with what the controller of access reads of environments, and nothing else of them: no workload is there, and
// nothing but that controller works on them.
type governed struct {
	*installation.Installation
	// addresses of CRMs, by those of their Services. It is complete before anything dials.
	addresses map[string]string
	crms      map[string]*governedCRM
}

// governedCRM answers for an environment.
type governedCRM struct {
	// calls that were made to it.
	calls atomic.Int64
	// login as somebody, with the password that crmkeep has handed over. It gives what tells whether the session goes on.
	login func(login string) (open func() bool)
}

func newGoverned(t testing.TB) *governed {
	t.Helper()
	g := &governed{Installation: installation.StartStill(t, build.Settings()), addresses: map[string]string{}, crms: map[string]*governedCRM{}}
	g.namespace(t, naming.HomeNamespace(tenant))
	_, err := g.Vault.Root(t).Logical().Write(g.Layout.PKIRolePath(pkiRole), map[string]any{"allow_any_name": true, "key_type": "ec", "no_store": true})
	require.NoError(t, err)
	return g
}

func (g *governed) namespace(t testing.TB, name string) {
	t.Helper()
	require.NoError(t, g.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
}

// class makes the one that is shipped, for CRMs with another name of the database.
func (g *governed) class(t testing.TB, name, database string) {
	t.Helper()
	class := shipped(t)
	class.Name, class.Spec.Database.Name = name, database
	require.NoError(t, g.Create(t.Context(), class))
}

// add makes an environment that runs, and has the account that crmkeep works as. The handler answers for it.
func (g *governed) add(t testing.TB, name, class string, password secret.String, handler http.Handler) *governedCRM {
	t.Helper()
	env := build.Environment(tenant, name, func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = class })
	env.Generation = 0
	require.NoError(t, g.Create(t.Context(), env))
	namespace := naming.WorkloadNamespace(tenant, name)
	env.Status.Namespace, env.Status.Version = namespace, "6.0"
	env.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonSucceeded, LastTransitionTime: metav1.Now(),
	}}
	require.NoError(t, g.Status().Update(t.Context(), env))
	g.namespace(t, namespace)
	g.deploy(t, namespace)
	_, err := g.Vault.Root(t).Logical().Write(g.Layout.KVDataPath(layout.AdapterPath(namespace)), map[string]any{
		"data": map[string]any{"login": access.OperatorLogin, "password": password.Reveal()}, "options": map[string]any{"cas": 0},
	})
	require.NoError(t, err)
	crm := &governedCRM{}
	g.serve(t, namespace, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		crm.calls.Add(1)
		handler.ServeHTTP(w, r)
	}))
	g.crms[name] = crm
	return crm
}

// deploy makes a Deployment of the web component that says that it is ready.
func (g *governed) deploy(t testing.TB, namespace string) {
	t.Helper()
	labels := map[string]string{naming.LabelComponent: webComponent}
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: webComponent}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: webComponent, Image: "crmkeep.local/tryton:6.0"}}},
		},
	}}
	require.NoError(t, g.Create(t.Context(), web))
	web.Status = appsv1.DeploymentStatus{ObservedGeneration: web.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1}
	require.NoError(t, g.Status().Update(t.Context(), web))
}

// serve answers for the web component's Service with a certificate of the installation's.
func (g *governed) serve(t testing.TB, namespace string, handler http.Handler) {
	t.Helper()
	host := naming.ServiceHost(webComponent, namespace)
	issued, err := g.Vault.Root(t).Logical().Write(g.Layout.PKIMount()+"/issue/"+pkiRole, map[string]any{"common_name": host, "ttl": "1h"})
	require.NoError(t, err)
	chain := fmt.Sprint(issued.Data["certificate"])
	for _, authority := range issued.Data["ca_chain"].([]any) {
		chain += "\n" + fmt.Sprint(authority)
	}
	pair, err := tls.X509KeyPair([]byte(chain), []byte(fmt.Sprint(issued.Data["private_key"])))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	g.addresses[host+":443"] = server.Listener.Addr().String()
}

// dial brings the operator to CRMs, by the names of their Services.
func (g *governed) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, known := g.addresses[address]
	if !known {
		return nil, fmt.Errorf("nobody answers at %s", address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

// policy that holds in environments.
func (g *governed) policy(t testing.TB, name string, spec v1alpha1.CRMRolePolicySpec, environments ...string) {
	t.Helper()
	policy := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(tenant), Name: name}, Spec: spec}
	policy.Spec.Environments = environments
	require.NoError(t, g.Create(t.Context(), policy))
}

// password that crmkeep has handed over for somebody.
func (g *governed) password(t testing.TB, environment, login string) string {
	t.Helper()
	stored, err := g.Vault.Root(t).Logical().Read(g.Layout.KVDataPath(layout.InvitationPath(naming.WorkloadNamespace(tenant, environment), login)))
	require.NoError(t, err)
	require.NotNil(t, stored, "%s has no invitation to %s", login, environment)
	return stored.Data["data"].(map[string]any)["password"].(string)
}

// until waits until every environment is as wanted. It tells of each once, as soon as it is.
func (g *governed) until(t testing.TB, wanted func(*v1alpha1.CRMEnvironment) bool, reached func(environment string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen, there := g.follow(ctx, t), map[string]bool{}
	var other []metav1.Condition
	for len(there) < len(g.crms) {
		select {
		case env := <-seen:
			if there[env.Name] {
				continue
			}
			if !wanted(env) {
				other = env.Status.Conditions
				continue
			}
			there[env.Name] = true
			reached(env.Name)
		case <-ctx.Done():
			t.Fatalf("%d of %d environments after %s; one of the others: %+v", len(there), len(g.crms), patience, other)
		}
	}
}

// follow gives every environment, and again whenever it has changed. An informer takes up a watch that the API server has ended, as it does when
// there is more to tell than is taken.
func (g *governed) follow(ctx context.Context, t testing.TB) <-chan *v1alpha1.CRMEnvironment {
	t.Helper()
	informers, err := cache.New(g.Server.Config(), cache.Options{Scheme: g.Scheme()})
	require.NoError(t, err)
	informer, err := informers.GetInformer(ctx, &v1alpha1.CRMEnvironment{}, cache.BlockUntilSynced(false))
	require.NoError(t, err)
	seen := make(chan *v1alpha1.CRMEnvironment)
	see := func(o any) {
		if env, ok := o.(*v1alpha1.CRMEnvironment); ok {
			select {
			case seen <- env:
			case <-ctx.Done():
			}
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: see, UpdateFunc: func(_, o any) { see(o) }})
	require.NoError(t, err)
	go func() { _ = informers.Start(ctx) }()
	return seen
}
