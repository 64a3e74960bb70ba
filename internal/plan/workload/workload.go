// Package workload plans what runs: the database, the migration and the class's components, each with its agent. It is pure.
package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// Run says what is to run now, as opposed to in the end.
type Run struct {
	// Version whose image the components run, or would run if they were not stopped.
	Version v1alpha1.ClassVersion
	// Absent leaves the components' workloads out.
	Absent bool
	// Stopped keeps every component at no pods.
	Stopped bool
	// DatabaseStopped keeps the database at no pod.
	DatabaseStopped bool
	// Pull shows that the wanted version's image can be started.
	Pull bool
	// Migrate runs the migration.
	Migrate bool
}

// Objects plans the workload of an environment. The error is about a template of the class.
func Objects(t *target.Target, run Run) ([]object.Object, error) {
	identities := make(map[string]secrets.Component)
	for _, id := range Identities(t) {
		identities[id.Name] = id
	}
	objects, err := migration(t, identities[naming.ComponentMigrate], run)
	if err != nil {
		return nil, err
	}
	if run.Pull {
		objects = append(objects, object.Object{Configuration: pullJob(t), CreateOnly: true})
	}
	objects = append(append(objects, runAccounts(t)...), checkSupport(t)...)
	if t.Database.External == nil {
		more, err := database(t, identities[naming.ComponentDatabase], run)
		if err != nil {
			return nil, err
		}
		objects = append(objects, more...)
	}
	if t.Current.Name != "" || t.Filled != nil {
		objects = append(objects, object.Object{Configuration: versionRecord(t)})
	}
	for _, v := range t.Volumes {
		objects = append(objects, object.Object{
			Configuration: volumeClaim(t, naming.Volume(v.Name), corev1.PersistentVolumeAccessMode(v.AccessMode), v.Size),
			Field:         fmt.Sprintf("spec.resources.volumes[%s].size", v.Name),
		})
	}
	// The migration is of the version that is wanted, and the components are of the one that runs: in all that they read, too.
	running := *t
	running.Version = run.Version
	for _, c := range t.Components {
		more, err := component(&running, identities[c.Name], c, run)
		if err != nil {
			return nil, err
		}
		objects = append(objects, more...)
	}
	return objects, nil
}
