package workload

import (
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// runIdentities are those of backups and restores. They are there all the time, so that a run that starts has to wait for nobody.
// Vault's policy of restores finds the key that they may use in the ServiceAccount's name.
func runIdentities(t *target.Target) []secrets.Component {
	return []secrets.Component{
		{Name: naming.ComponentBackup, ServiceAccount: naming.ComponentBackup, Run: layout.GrantBackup},
		{Name: naming.ComponentRestore, ServiceAccount: t.RestoreSource(), Run: layout.GrantRestore},
	}
}

func runAccounts(t *target.Target) []object.Object {
	var objects []object.Object
	for _, id := range runIdentities(t) {
		objects = append(objects, object.Object{Configuration: serviceAccount(t, id.Name, id.ServiceAccount)})
	}
	return objects
}

func serviceAccount(t *target.Target, component, name string) *corev1ac.ServiceAccountApplyConfiguration {
	return corev1ac.ServiceAccount(name, t.Namespace).
		WithLabels(objectLabels(t, component)).WithAutomountServiceAccountToken(false)
}

// databaseRole is whom the bearer of a component's certificate may be in Postgres.
func databaseRole(t *target.Target, id secrets.Component) string {
	database := t.Class.Database.Name
	switch id.Run {
	case layout.GrantBackup:
		return naming.BackupRole(database)
	case layout.GrantRestore:
		return naming.RestoreRole(database)
	}
	return database
}
