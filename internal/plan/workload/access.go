package workload

import (
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// Access is how a component reaches Vault and the database, and as whom.
type Access struct {
	ServiceAccount string
	Vault          config.Vault
	Certificate    config.Certificate
	Database       config.Database
	// DatabaseUser is the role in Postgres that the component's certificate stands for.
	DatabaseUser string
	// WrappedDataKey is the path of the application's wrapped data key in Vault; empty when it has none.
	WrappedDataKey string
}

// AccessOf a component of the environment: naming.ComponentBackup or naming.ComponentRestore.
func AccessOf(t *target.Target, component string) Access {
	var id secrets.Component
	for _, i := range Identities(t) {
		if i.Name == component {
			id = i
		}
	}
	c := agentConfig(t, id)
	a := Access{
		ServiceAccount: id.ServiceAccount, Vault: c.Vault, Certificate: c.Certificate, Database: *databaseEndpoint(t),
		DatabaseUser: databaseRole(t, id),
	}
	if t.Class.DataKey != nil {
		a.WrappedDataKey = dataKeyConfig(t).WrappedPath
	}
	return a
}
