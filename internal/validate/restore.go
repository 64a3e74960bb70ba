package validate

import (
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// Restore is a restore that nothing known speaks against.
type Restore struct {
	Protected
	Backup v1alpha1.CRMBackup
	// Locations that hold the backup, ready ones first.
	Locations []v1alpha1.CRMBackupLocation
}

// RestoreOf checks a restore against the world before anything is touched, and chooses the backup. Backups are those of the tenant's home.
func RestoreOf(s settings.Settings, r *v1alpha1.CRMRestore, backups []v1alpha1.CRMBackup, f *facts.Protected) (Restore, error) {
	if r.Spec.To.EnvironmentRef == nil {
		return Restore{}, outcome.Reject(v1alpha1.ReasonUnsupported,
			"spec.to.newEnvironment: this build restores in place only; name an environment in spec.to.environmentRef")
	}
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
	if err := readable(b, p, f); err != nil {
		return Restore{}, err
	}
	locations, err := holders(b, f)
	return Restore{Protected: p, Backup: *b, Locations: locations}, err
}

// choose the backup that is named, or the newest. One that was chosen before stays: a newer one is not what was looked at.
func choose(r *v1alpha1.CRMRestore, backups []v1alpha1.CRMBackup) (*v1alpha1.CRMBackup, error) {
	name := r.Status.Backup
	if ref := r.Spec.From.BackupRef; ref != nil {
		name = ref.Name
	}
	if name != "" {
		return named(name, backups)
	}
	from := r.Spec.From.NewestOf
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
			"spec.from.newestOf: there is no such backup of environment %s in this namespace; see kubectl get crmbackups", from.EnvironmentRef.Name)
	}
	return newest, nil
}

func named(name string, backups []v1alpha1.CRMBackup) (*v1alpha1.CRMBackup, error) {
	i := slices.IndexFunc(backups, func(b v1alpha1.CRMBackup) bool { return b.Name == name })
	switch {
	case i < 0:
		return nil, outcome.Reject(v1alpha1.ReasonBackupNotFound,
			"spec.from: CRMBackup %q does not exist in this namespace; another tenant's cannot be named", name)
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
		return outcome.Reject(v1alpha1.ReasonUnsupported,
			"CRMBackup %s is of environment %s: this build restores an environment from its own backups only", b.Name, b.Spec.EnvironmentRef.Name)
	case !ownBackup(b, p.Repository):
		return outcome.Reject(v1alpha1.ReasonKeyVersionGone,
			"CRMBackup %s was made with a key that was destroyed since; nobody can read it any more", b.Name)
	case record.KeyVersion < env.Status.Encryption.MinDecryptionVersion:
		return outcome.Reject(v1alpha1.ReasonKeyVersionGone,
			"CRMBackup %s needs version %d of the environment's key, and Vault decrypts from version %d on; lower min_decryption_version of key %s",
			b.Name, record.KeyVersion, env.Status.Encryption.MinDecryptionVersion, p.Target.Namespace)
	case record.Version != env.Status.Version:
		return outcome.Reject(v1alpha1.ReasonVersionMismatch,
			"CRMBackup %s is of version %q and the environment is at %q; restore one that was made at the same version", b.Name, record.Version, env.Status.Version)
	}
	return nil
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
