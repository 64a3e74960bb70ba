package upgrade

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// Where crmkeep's things are in Vault, with the default settings.
const (
	keysPath   = "crmkeep-transit/keys/"
	issuerPath = "crmkeep-pki/cert/ca_chain"
)

// operatorRole is the bootstrap's and in no plan: a new version may need more.
const operatorRole = "auth/kubernetes/role/crmkeep-operator"

// inVault reads everything that the manager has made in Vault, by path.
func (w *world) inVault(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{issuerPath: w.readVault(t, issuerPath)}
	for _, folder := range []string{keysPath, "crmkeep-pki/roles/", "auth/kubernetes/role/"} {
		for _, name := range w.listVault(t, folder) {
			all[folder+name] = w.readVault(t, folder+name)
		}
	}
	for _, issuer := range w.listVault(t, "crmkeep-pki/issuers/") {
		all["crmkeep-pki/issuer/"+issuer] = w.readVault(t, "crmkeep-pki/issuer/"+issuer)
	}
	for _, environment := range w.listVault(t, "crmkeep-kv/metadata/") {
		for _, name := range w.listVault(t, "crmkeep-kv/metadata/"+environment) {
			path := "crmkeep-kv/data/" + environment + name
			digest := sha256.Sum256([]byte(w.readVault(t, path)))
			all[path] = hex.EncodeToString(digest[:])
		}
	}
	delete(all, operatorRole)
	return all
}

func (w *world) readVault(t *testing.T, path string) string {
	t.Helper()
	secret, err := w.vault.Root(t).Logical().ReadWithContext(t.Context(), path)
	require.NoError(t, err, path)
	require.NotNil(t, secret, path)
	text, err := yaml.Marshal(secret.Data)
	require.NoError(t, err)
	return string(text)
}

func (w *world) listVault(t *testing.T, folder string) []string {
	t.Helper()
	secret, err := w.vault.Root(t).Logical().ListWithContext(t.Context(), strings.TrimSuffix(folder, "/"))
	require.NoError(t, err, folder)
	if secret == nil {
		return nil
	}
	var names []string
	keys, _ := secret.Data["keys"].([]any)
	for _, key := range keys {
		names = append(names, fmt.Sprint(key))
	}
	return names
}

// versionsOf a key, each with the time when it was made or its public half: what no version of crmkeep changes.
func versionsOf(t *testing.T, key string) string {
	t.Helper()
	content := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(key), &content))
	versions, err := json.Marshal([]any{content["keys"], content["min_decryption_version"], content["type"]})
	require.NoError(t, err)
	return string(versions)
}
