package vault_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/bootstrap"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// installation is a prepared Vault, with the operator's client, which logs in as the operator does and goes through a proxy that
// counts.
type installation struct {
	server   *vaulttest.Server
	cluster  *vaulttest.TokenReviewer
	client   *vault.Client
	requests *counter
	settings layout.Settings
}

func install(t *testing.T) *installation {
	t.Helper()
	return installInto(t, vaulttest.Start(t), layout.Default())
}

// installInto prepares a Vault for a cluster of its own.
func installInto(t *testing.T, server *vaulttest.Server, settings layout.Settings) *installation {
	t.Helper()
	in := &installation{server: server, cluster: vaulttest.StartTokenReviewer(t), settings: settings}
	err := bootstrap.Run(t.Context(), in.server.Root(t), bootstrap.Options{
		Settings:   in.settings,
		Kubernetes: bootstrap.Kubernetes{Host: in.cluster.URL, ReviewerToken: "reviewer", Namespace: "crmkeep-system", ServiceAccount: "crmkeep"},
		CA:         bootstrap.CA{RootCommonName: "test root", RootTTL: 48 * time.Hour, IntermediateTTL: 36 * time.Hour},
		Report:     func(string, bool) {},
	})
	if err != nil {
		t.Fatalf("bootstrap: %v", err)
	}
	in.requests = countRequests(t, in.server.Address)
	in.client = in.operator(t, in.requests.address)
	return in
}

func (in *installation) operator(t *testing.T, address string) *vault.Client {
	t.Helper()
	tokenFile := filepath.Join(t.TempDir(), "token")
	token := in.cluster.Token(t, "crmkeep-system", "crmkeep", "vault")
	if err := os.WriteFile(tokenFile, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := vault.New(vault.Config{
		Address: address, Settings: in.settings, Login: vault.KubernetesLogin(in.settings, tokenFile), Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// login logs in as a pod would, and gives a client with its token.
func (in *installation) login(t *testing.T, role, namespace, serviceAccount string) (*api.Client, error) {
	t.Helper()
	client := in.server.Client(t, "")
	secret, err := client.Logical().Write(in.settings.LoginPath(), map[string]any{
		"role": role, "jwt": in.cluster.Token(t, namespace, serviceAccount, "vault"),
	})
	if err != nil {
		return nil, err
	}
	client.SetToken(secret.Auth.ClientToken)
	return client, nil
}

// component logs in as a component of an environment.
func (in *installation) component(t *testing.T, namespace, name string) *api.Client {
	t.Helper()
	client, err := in.login(t, in.settings.AuthRoleName(namespace, name), namespace, name)
	if err != nil {
		t.Fatalf("component %s in %s cannot log in: %v", name, namespace, err)
	}
	return client
}

// operatorToken is a raw client with the operator's own rights.
func (in *installation) operatorToken(t *testing.T) *api.Client {
	t.Helper()
	client, err := in.login(t, in.settings.OperatorRole(), "crmkeep-system", "crmkeep")
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// apply brings a layout to Vault and gives the state after.
func (in *installation) apply(t *testing.T, want layout.Layout) vault.State {
	t.Helper()
	if _, err := in.client.Apply(t.Context(), want, in.observe(t, want)); err != nil {
		t.Fatalf("apply: %v", err)
	}
	return in.observe(t, want)
}

func (in *installation) observe(t *testing.T, want layout.Layout) vault.State {
	t.Helper()
	state, err := in.client.Observe(t.Context(), want)
	if err != nil {
		t.Fatalf("observe: %v", err)
	}
	return state
}

// environment plans one with a database, an application and a migration, and with more components if there are any.
func environment(tenant, name string, more ...secrets.Component) layout.Layout {
	namespace := naming.WorkloadNamespace(tenant, name)
	return secrets.Layout(layout.Default(), secrets.Environment{
		Tenant: tenant, Name: name, Namespace: namespace,
		Components: append([]secrets.Component{
			{Name: "database", ServiceAccount: "database", DNSNames: []string{naming.ServiceHost("database", namespace)}},
			{Name: "web", ServiceAccount: "web", DNSNames: []string{naming.ServiceHost("web", namespace)}, NeedsDataKey: true},
			{Name: "migrate", ServiceAccount: "migrate", NeedsDataKey: true, NeedsAdmin: true, NeedsAdapter: true},
		}, more...),
	})
}

// counter is a proxy before Vault that counts and can answer in its stead.
type counter struct {
	address string

	mu      sync.Mutex
	reads   int
	writes  int
	logins  int
	onWrite func(n int) bool
}

func countRequests(t *testing.T, target string) *counter {
	t.Helper()
	address, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{}
	proxy := httputil.NewSingleHostReverseProxy(address)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.count(r) {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.address = server.URL
	return c
}

func (c *counter) count(r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case r.URL.Path == "/v1/auth/kubernetes/login":
		c.logins++
	case r.Method == http.MethodGet || r.Method == "LIST":
		c.reads++
	default:
		c.writes++
		return c.onWrite == nil || c.onWrite(c.writes)
	}
	return true
}

// reset starts counting anew; onWrite, when given, says whether the n-th write reaches Vault.
func (c *counter) reset(onWrite func(n int) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads, c.writes, c.onWrite = 0, 0, onWrite
}

func (c *counter) counts() (reads, writes, logins int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads, c.writes, c.logins
}

// field reads one field of what a call gave.
func field(t *testing.T, secret *api.Secret, err error, name string) string {
	t.Helper()
	if err != nil || secret == nil {
		t.Fatalf("want %s, got %v, %v", name, secret, err)
	}
	value, ok := secret.Data[name].(string)
	if !ok {
		raw, _ := json.Marshal(secret.Data)
		t.Fatalf("no %s in %d bytes of answer", name, len(raw))
	}
	return value
}
