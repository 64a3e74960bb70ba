package agenttest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
)

const audience = "vault"

// Installation is a real Vault with the engines that crmkeep uses: PKI with an intermediate below a root, transit, kv, and the
// Kubernetes auth method.
type Installation struct {
	Vault *vaulttest.Server
	Root  *api.Client

	reviewer *vaulttest.TokenReviewer
}

// Install sets an installation up. It skips the test when there is no Vault to be had.
func Install(t testing.TB) *Installation {
	t.Helper()
	vault := vaulttest.Start(t)
	i := &Installation{Vault: vault, Root: vault.Root(t), reviewer: vaulttest.StartTokenReviewer(t)}
	for path, kind := range map[string]string{"root": "pki", "crmkeep-pki": "pki", "crmkeep-transit": "transit", "crmkeep-kv": "kv"} {
		mount := &api.MountInput{Type: kind, Config: api.MountConfigInput{MaxLeaseTTL: "8760h"}}
		if kind == "kv" {
			mount.Options = map[string]string{"version": "2"}
		}
		require.NoError(t, i.Root.Sys().Mount(path, mount))
	}
	i.write(t, "root/root/generate/internal", map[string]any{"common_name": "root of the tests", "key_type": "ec", "key_bits": 256, "ttl": "8000h"})
	request := i.write(t, "crmkeep-pki/intermediate/generate/internal", map[string]any{"common_name": "crmkeep of the tests", "key_type": "ec", "key_bits": 256})
	signed := i.write(t, "root/root/sign-intermediate", map[string]any{"csr": request["csr"], "ttl": "7000h", "format": "pem_bundle"})
	root, err := i.Root.Logical().Read("root/cert/ca")
	require.NoError(t, err)
	i.write(t, "crmkeep-pki/intermediate/set-signed", map[string]any{
		"certificate": signed["certificate"].(string) + "\n" + root.Data["certificate"].(string),
	})
	require.NoError(t, i.Root.Sys().EnableAuthWithOptions("kubernetes", &api.EnableAuthOptions{Type: "kubernetes"}))
	i.write(t, "auth/kubernetes/config", map[string]any{
		"kubernetes_host": i.reviewer.URL, "token_reviewer_jwt": i.reviewer.Token(t, "vault", "vault", audience), "disable_local_ca_jwt": true,
	})
	return i
}

func (i *Installation) write(t testing.TB, path string, body map[string]any) map[string]any {
	t.Helper()
	answer, err := i.Root.Logical().Write(path, body)
	require.NoError(t, err, path)
	if answer == nil {
		return nil
	}
	return answer.Data
}

// Environment makes the keys of an environment, with a wrapped data key.
func (i *Installation) Environment(t testing.TB, tenant, environment string) {
	t.Helper()
	key := naming.WorkloadNamespace(tenant, environment)
	i.write(t, "crmkeep-transit/keys/"+key, nil)
	wrapped := i.write(t, "crmkeep-transit/datakey/wrapped/"+key, nil)
	i.write(t, "crmkeep-kv/data/"+tenant+"/"+environment+"/data-key", map[string]any{
		"data": map[string]any{"ciphertext": wrapped["ciphertext"]},
	})
}

// Component makes what a component has in Vault and gives the configuration of an agent that uses it.
func (i *Installation) Component(t testing.TB, tenant, environment, component string, dnsNames ...string) *config.Config {
	t.Helper()
	name := naming.CommonName(tenant, environment, component)
	folder := "crmkeep-kv/data/" + tenant + "/" + environment
	cfg := &config.Config{
		Vault:       config.Vault{Address: i.Vault.Address, AuthPath: "kubernetes", Role: name},
		Certificate: config.Certificate{SignPath: "crmkeep-pki/sign/" + name, CommonName: name, DNSNames: dnsNames, TTLSeconds: 3600},
		DataKey:     &config.DataKey{WrappedPath: folder + "/data-key", DecryptPath: "crmkeep-transit/decrypt/" + naming.WorkloadNamespace(tenant, environment)},
		Admin:       &config.Account{Path: folder + "/admin", Login: "admin"},
	}
	i.write(t, "crmkeep-pki/roles/"+name, map[string]any{
		"allowed_domains": append([]string{name}, dnsNames...), "allow_bare_domains": true, "allow_ip_sans": false, "allow_localhost": false,
		"key_type": "ec", "key_bits": 256, "max_ttl": "4h", "no_store": true, "server_flag": true, "client_flag": true,
	})
	require.NoError(t, i.Root.Sys().PutPolicy(name, `
path "`+cfg.Certificate.SignPath+`" { capabilities = ["update"] }
path "`+cfg.DataKey.DecryptPath+`" { capabilities = ["update"] }
path "`+cfg.DataKey.WrappedPath+`" { capabilities = ["read"] }
path "`+cfg.Admin.Path+`" { capabilities = ["create", "read"] }
path "`+folder+`/adapter" { capabilities = ["create", "read"] }`))
	i.write(t, "auth/kubernetes/role/"+name, map[string]any{
		"bound_service_account_names": component, "bound_service_account_namespaces": naming.WorkloadNamespace(tenant, environment),
		"audience": audience, "token_policies": name, "token_type": "batch", "token_ttl": "10m", "token_no_default_policy": true,
	})
	return cfg
}

// TokenFile writes the projected token of a component's ServiceAccount.
func (i *Installation) TokenFile(t testing.TB, tenant, environment, component string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	token := i.reviewer.Token(t, naming.WorkloadNamespace(tenant, environment), component, audience)
	require.NoError(t, os.WriteFile(file, []byte(token), 0o600))
	return file
}
