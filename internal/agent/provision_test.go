package agent_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/agent/config"
)

func TestAnAgentRendersWhatTheApplicationNeedsAndSpillsNoSecret(t *testing.T) {
	installation := agenttest.Install(t)
	installation.Environment(t, "acme", "prod")
	cfg := installation.Component(t, "acme", "prod", "migrate")
	cfg.Certificate.WriteFiles = true
	cfg.Adapter = &config.Account{Path: strings.Replace(cfg.Admin.Path, "/admin", "/adapter", 1), Login: "crmkeep"}
	cfg.Values = []config.NamedValue{{Name: "tenant.displayName", Value: "Acme \"Trading\"\n& Söhne $(id)"}}
	cfg.Files = []config.File{
		{Name: "app.conf", Template: "key = ${key.base64url}\ntenant = ${tenant.displayName}\n"},
		{Name: "password", Template: "${admin.password}", Mode: 0o440},
		{Name: "adapter-password", Template: "${adapter.password}"},
	}
	cfg.Env = []config.Env{
		{Name: "TENANT", Template: "${tenant.displayName}"}, {Name: "KEY", Template: "${key.hex}"},
		{Name: "ADMIN", Template: "${admin.login}"}, {Name: "ADAPTER", Template: "${adapter.login}"}, {Name: "LITERAL", Template: "$${key.hex}"},
	}
	files := t.TempDir()

	r := start(t, cfg, installation.TokenFile(t, "acme", "prod", "migrate"), files)
	r.awaitStarted(t)
	r.awaitProbe(t, "/ready", http.StatusOK, "ok")
	r.awaitProbe(t, "/live", http.StatusOK, "ok")

	modes := map[string]fs.FileMode{
		"app.conf": 0o400, "password": 0o440, "adapter-password": 0o400, config.CertFile: 0o400, config.KeyFile: 0o400, config.CAFile: 0o400,
		config.EnvFile: 0o400, config.ReadyFile: 0o400,
	}
	entries, err := os.ReadDir(files)
	require.NoError(t, err)
	assert.Len(t, entries, len(modes), "nothing else may lie there: %v", entries)
	for name, mode := range modes {
		info, err := os.Stat(filepath.Join(files, name))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode(), name)
	}

	variables := map[string]string{}
	for record := range strings.SplitSeq(strings.TrimSuffix(read(t, files, config.EnvFile), "\x00"), "\x00") {
		name, value, _ := strings.Cut(record, "=")
		variables[name] = value
	}
	assert.Equal(t, "Acme \"Trading\"\n& Söhne $(id)", variables["TENANT"])
	assert.Equal(t, "${key.hex}", variables["LITERAL"])
	assert.Equal(t, "admin", variables["ADMIN"])
	assert.Equal(t, "crmkeep", variables["ADAPTER"])
	assert.Len(t, variables["KEY"], 64)

	for file, path := range map[string]string{"password": cfg.Admin.Path, "adapter-password": cfg.Adapter.Path} {
		stored, err := installation.Root.Logical().Read(path)
		require.NoError(t, err)
		assert.Equal(t, stored.Data["data"].(map[string]any)["password"], read(t, files, file))
	}
	password, adapterPassword := read(t, files, "password"), read(t, files, "adapter-password")
	assert.NotEqual(t, password, adapterPassword)
	for _, secret := range []string{password, adapterPassword, variables["KEY"], strings.Split(read(t, files, config.KeyFile), "\n")[1]} {
		assert.NotContains(t, r.log.String(), secret)
	}
}

func TestAnAgentThatStartsAgainFindsTheSameSecretsAndRewritesNothing(t *testing.T) {
	installation := agenttest.Install(t)
	installation.Environment(t, "acme", "prod")
	cfg := installation.Component(t, "acme", "prod", "migrate")
	cfg.Certificate.WriteFiles = true
	cfg.Files = []config.File{{Name: "secrets", Template: "${admin.password} ${key.hex}"}}
	token, files := installation.TokenFile(t, "acme", "prod", "migrate"), t.TempDir()

	first := start(t, cfg, token, files)
	first.awaitStarted(t)
	before, err := os.Stat(filepath.Join(files, "secrets"))
	require.NoError(t, err)
	key := read(t, files, config.KeyFile)
	_ = first.stop()
	start(t, cfg, token, files).awaitStarted(t)

	after, err := os.Stat(filepath.Join(files, "secrets"))
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after), "an unchanged file should not be replaced")
	assert.Equal(t, key, read(t, files, config.KeyFile), "the key should be taken up again")
}

func TestAnAgentSaysOnceWhatItWaitsForAndGoesOnByItself(t *testing.T) {
	installation := agenttest.Install(t)
	installation.Environment(t, "acme", "prod")
	cfg := installation.Component(t, "acme", "prod", "web")
	installation.Vault.Seal(t)

	r := start(t, cfg, installation.TokenFile(t, "acme", "prod", "web"), t.TempDir())
	r.awaitProbe(t, "/started", http.StatusServiceUnavailable, "VaultSealed")
	installation.Vault.Stop(t)
	r.awaitProbe(t, "/started", http.StatusServiceUnavailable, "VaultUnreachable")
	installation.Vault.Restart(t)
	r.awaitProbe(t, "/started", http.StatusServiceUnavailable, "VaultSealed")
	r.awaitProbe(t, "/ready", http.StatusServiceUnavailable, "VaultSealed")
	installation.Vault.Unseal(t)
	r.awaitStarted(t)

	assert.Equal(t, 2, strings.Count(r.log.String(), `"reason":"VaultSealed"`), "one line for each change")
	assert.Equal(t, 1, strings.Count(r.log.String(), `"reason":"VaultUnreachable"`))
	assert.Contains(t, r.log.String(), "The wait is over")
}

func TestAnAgentWaitsForTheManagerToWriteTheDataKey(t *testing.T) {
	installation := agenttest.Install(t)
	cfg := installation.Component(t, "acme", "prod", "web")

	r := start(t, cfg, installation.TokenFile(t, "acme", "prod", "web"), t.TempDir())
	r.awaitProbe(t, "/started", http.StatusServiceUnavailable, "DataKeyMissing")
	installation.Environment(t, "acme", "prod")
	r.awaitStarted(t)

	assert.Equal(t, 1, strings.Count(r.log.String(), "The certificate is signed"), "what was done is not done again")
}

func TestARefusedLoginNamesWhatToCompare(t *testing.T) {
	installation := agenttest.Install(t)
	installation.Environment(t, "acme", "prod")
	cfg := installation.Component(t, "acme", "prod", "web")
	files := t.TempDir()

	stranger := start(t, cfg, installation.TokenFile(t, "acme", "test", "web"), files)
	stranger.awaitProbe(t, "/started", http.StatusServiceUnavailable, "VaultForbidden")
	assert.Contains(t, stranger.log.String(), "acme.prod.web")
	assert.Contains(t, stranger.log.String(), "system:auth-delegator")

	cfg.Vault.Role = "acme.prod.gone"
	unknown := start(t, cfg, installation.TokenFile(t, "acme", "prod", "web"), files)
	unknown.awaitProbe(t, "/started", http.StatusServiceUnavailable, "VaultForbidden")
	assert.Contains(t, unknown.log.String(), `role \"acme.prod.gone\" does not exist`)
	assert.NoFileExists(t, filepath.Join(files, config.ReadyFile))
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(content)
}
