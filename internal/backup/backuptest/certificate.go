package backuptest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/certificate"
	agent "github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/session"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// componentOf an environment's common name.
func componentOf(t testing.TB, commonName string) string {
	t.Helper()
	for _, component := range []string{"web", naming.ComponentDatabase, naming.ComponentBackup, naming.ComponentRestore} {
		if strings.EqualFold(commonName, naming.CommonName(Tenant, Environment, component)) {
			return component
		}
	}
	t.Fatalf("%s is no common name of the environment", commonName)
	return ""
}

// sign has Vault sign a component's certificate and writes it to dir.
func sign(t testing.TB, component *agent.Config, tokenFile, dir string) {
	t.Helper()
	vault, err := session.New(component.Vault, "", tokenFile)
	require.NoError(t, err)
	key, err := certificate.NewKey()
	require.NoError(t, err)
	keeper := certificate.NewKeeper(component.Certificate, key)
	require.NoError(t, keeper.Renew(t.Context(), vault))
	private, err := keeper.Key()
	require.NoError(t, err)
	for name, content := range map[string][]byte{
		agent.CertFile: keeper.Current().ChainPEM, agent.KeyFile: []byte(private.Reveal()), agent.CAFile: keeper.Current().CAPEM,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
}
