package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/settings"
)

const minimal = `
vault: {address: "https://vault.vault.svc:8200"}
images: {crmkeep: "crmkeep.local/crmkeep:dev", postgres: "crmkeep.local/postgres:15"}
network:
  dns: {namespace: kube-system}
  vault: {cidr: 10.0.0.0/24}
`

func load(t *testing.T, content string) (settings.Settings, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return settings.Load(file)
}

func TestWhatIsLeftOutHasADefault(t *testing.T) {
	s, err := load(t, minimal)
	require.NoError(t, err)
	assert.Equal(t, "crmkeep", s.Vault.Prefix)
	assert.Equal(t, "kubernetes", s.Vault.AuthMount)
	assert.Equal(t, "vault", s.Vault.Audience)
	assert.Equal(t, "crmkeep-operator", s.Vault.Role)
	assert.Equal(t, "IfNotPresent", s.Images.PullPolicy)
	assert.Equal(t, "crmkeep-system", s.Network.OperatorNamespace)
	assert.EqualValues(t, 53, s.Network.DNS.Port)
	assert.EqualValues(t, 8200, s.Network.Vault.Port)
	assert.EqualValues(t, 14400, s.CertificateTTLSeconds)
	assert.EqualValues(t, 30, s.KeyRotationDays)
	assert.Nil(t, s.Network.Ingress)
}

func TestWrongSettingsAreRefusedByName(t *testing.T) {
	for sentence, c := range map[string]struct{ content, want string }{
		"a field that does not exist":   {minimal + "storageclass2: fast\n", "storageclass2"},
		"no file at all":                {"", "vault.address"},
		"a Vault in the clear":          {replace("https:", "http:"), "vault.address"},
		"no image":                      {replace("crmkeep.local/postgres:15", ""), "images.postgres"},
		"a peer that is nobody":         {replace("{cidr: 10.0.0.0/24}", "{}"), "network.vault: set exactly one of namespace and cidr"},
		"a peer that is two":            {replace("{cidr: 10.0.0.0/24}", "{cidr: 10.0.0.0/24, namespace: vault}"), "network.vault: set exactly one"},
		"a range that is none":          {replace("10.0.0.0/24", "10.0.0.0"), "network.vault.cidr"},
		"an ingress that is nobody":     {minimal + "  ingress: {port: 443}\n", "network.ingress"},
		"text in the place of a number": {minimal + "keyRotationDays: often\n", "keyRotationDays"},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := load(t, c.content)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAMissingFileIsAnError(t *testing.T) {
	_, err := settings.Load(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func replace(old, with string) string {
	return strings.Replace(minimal, old, with, 1)
}
