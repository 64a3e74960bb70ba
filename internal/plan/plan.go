// Package plan makes the complete desired state of an environment from what is declared and what was seen. It takes no client, no
// context and no clock: the same input gives the same plan, in the manager, in `crmkeep plan` and in a golden test.
package plan

import (
	"cmp"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/accepted"
	"github.com/crmkeep/crmkeep/internal/plan/exposure"
	"github.com/crmkeep/crmkeep/internal/plan/network"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/tenancy"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Environment is the desired state of an environment, in the order in which it is brought about.
type Environment struct {
	// Namespace holds the namespace, what bounds it, and the record of what was let in.
	Namespace []object.Object
	// Network holds the policies; no pod is made before them.
	Network []object.Object
	// Vault holds keys, roles and policies; no pod is made before them either.
	Vault layout.Layout
	// Workload holds everything else.
	Workload []object.Object
}

// Objects are all Kubernetes objects.
func (e Environment) Objects() []object.Object {
	return append(append(append([]object.Object{}, e.Namespace...), e.Network...), e.Workload...)
}

// ForEnvironment plans a resolved environment for the moment that the facts show.
func ForEnvironment(t *target.Target, f *facts.Environment) (Environment, error) {
	return environment(t, f, RunNow(t, f))
}

// Complete plans everything that exists or has run when all has come about: what `crmkeep plan` prints.
func Complete(t *target.Target, f *facts.Environment) (Environment, error) {
	if t.State == v1alpha1.StateSuspended {
		return environment(t, f, RunNow(t, &facts.Environment{})) // It comes to rest when no pod is left.
	}
	changes := t.NeedsMigration()
	return environment(t, f, workload.Run{
		Version: t.Version, Migrate: changes, Pull: changes && t.Current.Name != "" && t.Current.Image != t.Version.Image,
	})
}

func environment(t *target.Target, f *facts.Environment, run workload.Run) (Environment, error) {
	objects, err := workload.Objects(t, run)
	if err != nil {
		return Environment{}, err
	}
	record, err := accepted.Record(t)
	if err != nil {
		return Environment{}, err
	}
	return Environment{
		Namespace: append(tenancy.Workload(t), record),
		Network:   network.Policies(t),
		Vault:     Vault(t),
		Workload:  append(objects, exposure.Routes(t, f.HTTPRoutes)...),
	}, nil
}

// Vault plans an environment's part of Vault.
func Vault(t *target.Target) layout.Layout {
	return secrets.Layout(t.Vault, secrets.Environment{
		Tenant: t.Tenant, Name: t.Environment, Namespace: t.Namespace, Components: workload.Identities(t), Unfilled: t.Source != nil,
	})
}

// RunNow says what is to run now, given what was seen: the application stops before a migration, which waits for that and for the
// database, and while a backup is restored; it does not stop for a version whose image was not yet shown to start; nothing starts before an
// environment has the data of its source; the application starts when the database is up; and a suspended environment's database stops
// after everything that uses it.
func RunNow(t *target.Target, f *facts.Environment) workload.Run {
	databaseUp := DatabaseUp(t, f)
	run := workload.Run{
		Version: runnable(t, f),
		// Before the first migration there is nothing to run and nothing to stop.
		Absent: t.Current.Name == "",
	}
	switch {
	case t.State == v1alpha1.StateSuspended:
		// A migration that runs is let end: half of one is of no use to anybody.
		run.Stopped, run.Migrate, run.DatabaseStopped = true, jobRuns(t, f), quiet(t, f)
	case f.Restoring != "":
		run.Stopped, run.Migrate = true, jobRuns(t, f)
	case t.Source != nil:
		run.Stopped = true
	case AwaitsImage(t, f):
		run.Pull = true
	case t.NeedsMigration():
		_, started := f.Jobs[workload.MigrationJob(t)]
		run.Stopped, run.Migrate = true, started || databaseUp && quiet(t, f)
		// The Job remembers that the image was had, until everything has stopped.
		_, run.Pull = f.Jobs[workload.PullJob(t)]
		run.Pull = run.Pull && !run.Migrate
	default:
		run.Version, run.Stopped = t.Version, (!databaseUp || migrates(t, f)) && !f.AnyComponentPod()
	}
	return run
}

// AwaitsImage tells whether everything runs on until the wanted version's image was shown to start. Where nothing runs, or where the stop
// has begun, nobody gains from waiting.
func AwaitsImage(t *target.Target, f *facts.Environment) bool {
	if !t.NeedsMigration() || t.Version.Image == runnable(t, f).Image || f.Restoring != "" || !f.DeclaredToRun() {
		return false
	}
	_, started := f.Jobs[workload.MigrationJob(t)]
	return !started && !f.Jobs[workload.PullJob(t)].Succeeded
}

// DatabaseUp tells whether the database takes connections, as far as anybody in the cluster can tell.
func DatabaseUp(t *target.Target, f *facts.Environment) bool {
	return t.Database.External != nil || f.Database.Up()
}

// quiet tells whether nothing uses the database.
func quiet(t *target.Target, f *facts.Environment) bool {
	return !f.AnyComponentPod() && !migrates(t, f) && !f.RunPod() && f.Restoring == ""
}

// migrates tells whether a migration goes on. A Job that was deleted ends some time after it.
func migrates(t *target.Target, f *facts.Environment) bool {
	return f.Pods[naming.ComponentMigrate] > 0 || jobRuns(t, f)
}

// runnable is the version that fits the database as it is. One that the class no longer has runs on in the image that it has.
func runnable(t *target.Target, f *facts.Environment) v1alpha1.ClassVersion {
	if t.Current.Image == "" {
		return v1alpha1.ClassVersion{
			Name:  cmp.Or(t.Current.Name, t.Version.Name),
			Image: cmp.Or(f.Components[t.WebComponent().Name].Image, t.Version.Image),
		}
	}
	return t.Current
}

func jobRuns(t *target.Target, f *facts.Environment) bool {
	j, ok := f.Jobs[workload.MigrationJob(t)]
	return ok && !j.Succeeded && !j.Failed
}
