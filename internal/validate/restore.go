package validate

import (
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// Restore is a restore that nothing known speaks against.
type Restore struct {
	Protected
	Backup v1alpha1.CRMBackup
	// Locations that hold the backup, ready ones first.
	Locations []v1alpha1.CRMBackupLocation
}

// RestoreOf checks a restore into an environment that is there against the world before anything is touched, and chooses the backup. Backups
// and environments are those of the tenant's home.
func RestoreOf(
	s settings.Settings, r *v1alpha1.CRMRestore, backups []v1alpha1.CRMBackup, environments []v1alpha1.CRMEnvironment, f *facts.Protected,
) (Restore, error) {
	p, err := Runnable(s, r.Spec.To.EnvironmentRef.Name, f)
	if err != nil {
		return Restore{}, err
	}
	if f.Restoring != "" && f.Restoring != r.Name {
		return Restore{}, outcome.Wait(v1alpha1.ReasonRestoring, runPatience, "CRMRestore %s puts another backup into the environment", f.Restoring)
	}
	b, err := choose(r, backups)
	if err != nil {
		return Restore{}, err
	}
	if p.Target.Source == nil {
		err = readable(b, p, f)
	} else {
		p.Target.Source = sourceOf(b)
		err = copyable(r, b, &p.Target, f.Environment, environment(b.Spec.EnvironmentRef.Name, environments))
	}
	if err != nil {
		return Restore{}, err
	}
	locations, err := holders(b, f)
	return Restore{Protected: p, Backup: *b, Locations: locations}, err
}

// SourceOf a restore that fills an environment; nil when its backup is there no more.
func SourceOf(r *v1alpha1.CRMRestore, backups []v1alpha1.CRMBackup) *target.Source {
	b, err := choose(r, backups)
	if err != nil {
		return nil
	}
	return sourceOf(b)
}

// choose the backup that is named, or the newest. One that was chosen before stays: a newer one is not what was looked at.
func choose(r *v1alpha1.CRMRestore, backups []v1alpha1.CRMBackup) (*v1alpha1.CRMBackup, error) {
	name := r.Status.Backup
	if ref := r.Spec.From.BackupRef; ref != nil {
		name = ref.Name
	}
	if name != "" {
		return backupNamed("spec.from", name, backups)
	}
	return newestOf("spec.from.newestOf", r.Spec.From.NewestOf, backups)
}

func newestOf(field string, from *v1alpha1.NewestBackup, backups []v1alpha1.CRMBackup) (*v1alpha1.CRMBackup, error) {
	var newest *v1alpha1.CRMBackup
	for i := range backups {
		b := &backups[i]
		if b.Spec.EnvironmentRef.Name != from.EnvironmentRef.Name || !Usable(b) || from.Before != nil && b.Status.CompletedAt.After(from.Before.Time) {
			continue
		}
		if newest == nil || newestFirst(b, newest) < 0 {
			newest = b
		}
	}
	if newest == nil {
		return nil, outcome.Reject(v1alpha1.ReasonBackupNotFound,
			"%s: there is no such backup of environment %s in this namespace; see kubectl get crmbackups", field, from.EnvironmentRef.Name)
	}
	return newest, nil
}

func backupNamed(field, name string, backups []v1alpha1.CRMBackup) (*v1alpha1.CRMBackup, error) {
	i := slices.IndexFunc(backups, func(b v1alpha1.CRMBackup) bool { return b.Name == name })
	switch {
	case i < 0:
		return nil, outcome.Reject(v1alpha1.ReasonBackupNotFound,
			"%s: CRMBackup %q does not exist in this namespace; another tenant's cannot be named", field, name)
	case backups[i].Status.CompletedAt == nil:
		return nil, outcome.Wait(v1alpha1.ReasonRunActive, runPatience, "CRMBackup %s is not complete yet", name)
	case !Usable(&backups[i]):
		return nil, outcome.Reject(v1alpha1.ReasonBackupUnusable, "CRMBackup %s has failed and holds nothing; name another", name)
	}
	return &backups[i], nil
}

// readable checks that the environment's key still opens the backup and that its version of the product can use it.
func readable(b *v1alpha1.CRMBackup, p Protected, f *facts.Protected) error {
	switch record, env := b.Status.Record, f.Environment; {
	case b.Spec.EnvironmentRef.Name != env.Name:
		return outcome.Reject(v1alpha1.ReasonNotAllowed,
			"CRMBackup %s is of environment %s, and an environment that has data is restored from its own backups only; restore it into a new one "+
				"with spec.to.newEnvironment", b.Name, b.Spec.EnvironmentRef.Name)
	case record.Version != env.Status.Version:
		return outcome.Reject(v1alpha1.ReasonVersionMismatch,
			"CRMBackup %s is of version %q and the environment is at %q; restore one that was made at the same version", b.Name, record.Version, env.Status.Version)
	}
	return opened(b, p.Target.Namespace, f.Environment.Status.Encryption)
}

// holders are the locations to read from. One that the tenant may no longer use is as good as gone.
func holders(b *v1alpha1.CRMBackup, f *facts.Protected) ([]v1alpha1.CRMBackupLocation, error) {
	var ready, others []v1alpha1.CRMBackupLocation
	var refused error
	for _, name := range HeldBy(b) {
		l, ok := f.Locations[name]
		if !ok {
			continue
		}
		if err := Location(f.Tenant, &l); err != nil {
			refused = err
		} else if locationReady(&l) {
			ready = append(ready, l)
		} else {
			others = append(others, l)
		}
	}
	switch {
	case len(ready) > 0:
		return append(ready, others...), nil
	case len(others) == 0 && refused != nil:
		return nil, refused
	}
	return nil, outcome.Wait(v1alpha1.ReasonLocationNotReady, runPatience,
		"no location that holds CRMBackup %s is ready: %s; see kubectl get crmbackuplocations", b.Name, strings.Join(HeldBy(b), ", "))
}
