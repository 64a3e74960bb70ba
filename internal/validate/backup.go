package validate

import (
	"cmp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/accepted"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// runPatience is when a run that waits for room or for an environment looks again.
const runPatience = 20 * time.Second

// Protected is an environment whose database can be read and written now.
type Protected struct {
	Target target.Target
	// Repository is where in every location its backups are.
	Repository string
}

// Backup checks a backup against the world and gives the locations to write to. A location that does not exist is left out: the others
// are not to go without a backup for it.
func Backup(s settings.Settings, b *v1alpha1.CRMBackup, f *facts.Protected) (Protected, []v1alpha1.CRMBackupLocation, error) {
	final := f.Environment != nil && teardown.IsFinalBackup(b, f.Environment)
	if b.Labels[naming.LabelFinalOf] != "" && !final {
		return Protected{}, nil, outcome.Reject(v1alpha1.ReasonFinalBackup,
			"it was made for the deletion of CRMEnvironment %s, which does not ask for it any more", b.Spec.EnvironmentRef.Name)
	}
	if err := stays(b.Spec.EnvironmentRef.Name, f); err != nil && !final {
		return Protected{}, nil, err
	}
	p, err := atRest(s, b.Spec.EnvironmentRef.Name, f, holdsStill)
	if err != nil {
		return Protected{}, nil, err
	}
	if p.Target.Source != nil {
		return Protected{}, nil, unfilled(f.Environment)
	}
	if f.Restoring != "" {
		return Protected{}, nil, outcome.Wait(v1alpha1.ReasonRestoring, runPatience, "CRMRestore %s puts a backup into the environment", f.Restoring)
	}
	locations, err := writable(b.Spec.Locations, f)
	return p, locations, err
}

// Runnable checks that the environment is there and its database is up and at rest.
func Runnable(s settings.Settings, name string, f *facts.Protected) (Protected, error) {
	if err := stays(name, f); err != nil {
		return Protected{}, err
	}
	return atRest(s, name, f, isMigrated)
}

// asItRuns resolves an environment as it was let in last, when what is declared now was not, or its class is gone.
func asItRuns(s settings.Settings, f *facts.Protected) (target.Target, error) {
	env, class := f.Environment, f.Class
	if class == nil || target.LetIn(env) != env.Generation {
		if before, then, ok := accepted.Restore(env, f.Accepted); ok {
			env, class = before, then
		}
	}
	if class == nil {
		return target.Target{}, outcome.Wait(v1alpha1.ReasonClassNotFound, patience, "CRMClass %q does not exist", env.Spec.ClassRef.Name)
	}
	t, err := target.Resolve(s, f.Tenant, class, env)
	if err != nil {
		return t, outcome.Wait(v1alpha1.ReasonEnvironmentNotReady, patience, "CRMEnvironment %s must be mended: %s", env.Name,
			outcome.Message(err))
	}
	return t, nil
}

// stays checks that the environment is not being deleted.
func stays(name string, f *facts.Protected) error {
	if f.Environment != nil && !f.Environment.DeletionTimestamp.IsZero() {
		return outcome.Wait(v1alpha1.ReasonEnvironmentNotReady, runPatience, "CRMEnvironment %s is being deleted", name)
	}
	return nil
}

// isMigrated tells whether the database is at the version that is declared.
func isMigrated(env *v1alpha1.CRMEnvironment) bool {
	return meta.IsStatusConditionTrue(env.Status.Conditions, v1alpha1.ConditionMigrated)
}

// holdsStill tells whether no migration has begun: it is the one before that runs while the image of a new version cannot be had. A
// migration that begins later waits for a backup that runs.
func holdsStill(env *v1alpha1.CRMEnvironment) bool {
	return isMigrated(env) || meta.IsStatusConditionTrue(env.Status.Conditions, v1alpha1.ConditionWorkloadReady)
}

func isNot(name, kind string) error {
	return outcome.Wait(v1alpha1.ReasonEnvironmentNotReady, runPatience, "CRMEnvironment %s is not %s; its own conditions say why", name, kind)
}

// atRest checks that an environment's database can be read and written; version tells whether it is at a version at which it may be.
func atRest(s settings.Settings, name string, f *facts.Protected, version func(*v1alpha1.CRMEnvironment) bool) (Protected, error) {
	env := f.Environment
	switch {
	case env == nil:
		return Protected{}, outcome.Wait(v1alpha1.ReasonEnvironmentNotFound, runPatience,
			"spec: CRMEnvironment %q does not exist in this namespace; another tenant's cannot be named", name)
	case f.Tenant == nil:
		return Protected{}, outcome.Wait(v1alpha1.ReasonTenantNotReady, patience, "the tenant of this namespace does not exist")
	case env.Spec.State == v1alpha1.StateSuspended:
		return Protected{}, outcome.Wait(v1alpha1.ReasonSuspended, runPatience,
			"the database of CRMEnvironment %s does not run; set its spec.state to Running", name)
	}
	for _, kind := range []string{v1alpha1.ConditionNetworkIsolated, v1alpha1.ConditionKeysReady, v1alpha1.ConditionDatabaseReady} {
		if !meta.IsStatusConditionTrue(env.Status.Conditions, kind) {
			return Protected{}, isNot(name, kind)
		}
	}
	if !target.Unfilled(env) && !version(env) {
		return Protected{}, isNot(name, v1alpha1.ConditionMigrated)
	}
	t, err := asItRuns(s, f)
	if err != nil {
		return Protected{}, err
	}
	if e := env.Status.Encryption; e == nil || e.KeyCreated == nil {
		return Protected{}, outcome.Wait(v1alpha1.ReasonEnvironmentNotReady, runPatience, "the key of CRMEnvironment %s was not looked at yet", name)
	}
	return Protected{Target: t, Repository: backup.Repository(t.Namespace, env.Status.Encryption.KeyCreated.Time)}, nil
}

// writable are the locations among names that exist. All must be the tenant's to use, and one at least ready.
func writable(names []string, f *facts.Protected) ([]v1alpha1.CRMBackupLocation, error) {
	var found []v1alpha1.CRMBackupLocation
	ready := false
	for _, name := range names {
		l, ok := f.Locations[name]
		if !ok {
			continue
		}
		if err := Location(f.Tenant, &l); err != nil {
			return nil, err
		}
		found = append(found, l)
		ready = ready || locationReady(&l)
	}
	if !ready {
		return nil, outcome.Wait(v1alpha1.ReasonLocationNotReady, runPatience,
			"no location is ready of %s; see kubectl get crmbackuplocations", strings.Join(names, ", "))
	}
	return found, nil
}

func locationReady(l *v1alpha1.CRMBackupLocation) bool {
	return meta.IsStatusConditionTrue(l.Status.Conditions, v1alpha1.ConditionReady)
}

// Alone checks that no other run of the environment in the namespace is under way, and that nobody reads a repository while it is cared for,
// which removes what is not needed: a copy is filled from the repository of another environment.
func Alone(run facts.Run, runs []facts.Run) error {
	for _, r := range runs {
		if r.Ended || r.Namespace == run.Namespace && r.Name == run.Name {
			continue
		}
		cared := r.Kind == naming.RunCare || run.Kind == naming.RunCare
		switch {
		case r.Namespace == run.Namespace:
			return outcome.Wait(v1alpha1.ReasonRunActive, runPatience, "%s of the environment runs", r.Name)
		case cared && r.Repository != "" && r.Repository == run.Repository:
			return outcome.Wait(v1alpha1.ReasonRunActive, runPatience, "%s in namespace %s uses the same repository", r.Name, r.Namespace)
		}
	}
	return nil
}

// Capacity checks that not more runs are under way than the installation bears, in all and at each location.
func Capacity(s settings.Settings, job string, locations []string, runs []facts.Run) error {
	inAll, at := int32(0), map[string]int32{}
	for _, r := range runs {
		if r.Ended || r.Name == job {
			continue
		}
		inAll++
		for _, l := range r.Locations {
			at[l]++
		}
	}
	if inAll >= s.Backups.Concurrency {
		return outcome.Wait(v1alpha1.ReasonAtCapacity, runPatience, "%d runs are under way, as many as the installation allows", inAll)
	}
	for _, l := range locations {
		if at[l] >= s.Backups.ConcurrencyPerLocation {
			return outcome.Wait(v1alpha1.ReasonAtCapacity, runPatience, "%d runs use location %s, as many as the installation allows", at[l], l)
		}
	}
	return nil
}

// newestFirst orders backups by the time they were complete, and by name.
func newestFirst(a, b *v1alpha1.CRMBackup) int {
	return cmp.Or(b.Status.CompletedAt.Compare(a.Status.CompletedAt.Time), cmp.Compare(a.Name, b.Name))
}

// Usable tells whether a location at least holds the backup.
func Usable(b *v1alpha1.CRMBackup) bool {
	return b.Status.Record != nil && b.Status.CompletedAt != nil && len(HeldBy(b)) > 0
}

// HeldBy are the locations that hold the backup.
func HeldBy(b *v1alpha1.CRMBackup) []string { return backup.HeldBy(b) }

// ownBackup tells whether a backup is in the repository of the environment as it is now.
func ownBackup(b *v1alpha1.CRMBackup, repository string) bool {
	return b.Status.Record != nil && b.Status.Record.Repository == repository
}
