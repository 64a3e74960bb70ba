package validate

import (
	"cmp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/plan/target"
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
	p, err := Runnable(s, b.Spec.EnvironmentRef.Name, f)
	if err != nil {
		return Protected{}, nil, err
	}
	if f.Restoring != "" {
		return Protected{}, nil, outcome.Wait(v1alpha1.ReasonRestoring, runPatience, "CRMRestore %s puts a backup into the environment", f.Restoring)
	}
	locations, err := writable(b.Spec.Locations, f)
	return p, locations, err
}

// Runnable checks that the environment is there and its database is up and at rest.
func Runnable(s settings.Settings, name string, f *facts.Protected) (Protected, error) {
	env := f.Environment
	switch {
	case env == nil:
		return Protected{}, outcome.Wait(v1alpha1.ReasonEnvironmentNotFound, runPatience,
			"spec: CRMEnvironment %q does not exist in this namespace; another tenant's cannot be named", name)
	case f.Tenant == nil:
		return Protected{}, outcome.Wait(v1alpha1.ReasonTenantNotReady, patience, "the tenant of this namespace does not exist")
	case f.Class == nil:
		return Protected{}, outcome.Wait(v1alpha1.ReasonClassNotFound, patience, "CRMClass %q does not exist", env.Spec.ClassRef.Name)
	case !env.DeletionTimestamp.IsZero():
		return Protected{}, outcome.Wait(v1alpha1.ReasonEnvironmentNotReady, runPatience, "CRMEnvironment %s is being deleted", name)
	case env.Spec.State == v1alpha1.StateSuspended:
		return Protected{}, outcome.Wait(v1alpha1.ReasonSuspended, runPatience,
			"the database of CRMEnvironment %s does not run; set its spec.state to Running", name)
	}
	for _, kind := range []string{v1alpha1.ConditionNetworkIsolated, v1alpha1.ConditionKeysReady, v1alpha1.ConditionDatabaseReady, v1alpha1.ConditionMigrated} {
		if !meta.IsStatusConditionTrue(env.Status.Conditions, kind) {
			return Protected{}, outcome.Wait(v1alpha1.ReasonEnvironmentNotReady, runPatience,
				"CRMEnvironment %s is not %s; its own conditions say why", name, kind)
		}
	}
	t, err := target.Resolve(s, f.Tenant, f.Class, env)
	if err != nil {
		return Protected{}, outcome.Wait(v1alpha1.ReasonEnvironmentNotReady, patience, "CRMEnvironment %s must be mended: %s", name, err)
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

// Alone checks that no other run of the environment in the namespace is under way.
func Alone(namespace, job string, runs []facts.Run) error {
	for _, r := range runs {
		if !r.Ended && r.Namespace == namespace && r.Name != job {
			return outcome.Wait(v1alpha1.ReasonRunActive, runPatience, "%s of the environment runs", r.Name)
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
func HeldBy(b *v1alpha1.CRMBackup) []string {
	var names []string
	for _, l := range b.Status.Locations {
		if l.Phase == v1alpha1.PhaseComplete {
			names = append(names, l.Name)
		}
	}
	return names
}

// ownBackup tells whether a backup is in the repository of the environment as it is now.
func ownBackup(b *v1alpha1.CRMBackup, repository string) bool {
	return b.Status.Record != nil && b.Status.Record.Repository == repository
}
