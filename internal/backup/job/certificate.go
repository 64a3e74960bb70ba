package job

import (
	"context"
	"os"
	"path/filepath"

	"github.com/crmkeep/crmkeep/internal/agent/certificate"
	agent "github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/backup/database"
)

// Database has Vault sign the run's own certificate and gives the server to connect to with it.
func (j *Job) Database(ctx context.Context) (database.Server, error) {
	key, err := certificate.NewKey()
	if err != nil {
		return database.Server{}, err
	}
	keeper := certificate.NewKeeper(j.Certificate, key)
	if err := keeper.Renew(ctx, j.Vault); err != nil {
		return database.Server{}, err
	}
	private, err := keeper.Key()
	if err != nil {
		return database.Server{}, err
	}
	authorities := keeper.Current().CAPEM
	if j.Config.Database.CABundle != "" {
		authorities = []byte(j.Config.Database.CABundle)
	}
	for name, content := range map[string][]byte{
		agent.CertFile: keeper.Current().ChainPEM, agent.KeyFile: []byte(private.Reveal()), agent.CAFile: authorities,
	} {
		if err := os.WriteFile(filepath.Join(j.ScratchDir, name), content, 0o600); err != nil {
			return database.Server{}, err
		}
	}
	d := j.Config.Database
	return database.Server{
		Address: d.Address, ServerName: d.ServerName, Name: d.Name, User: d.User, Owner: d.Owner, CertDir: j.ScratchDir,
	}, nil
}
