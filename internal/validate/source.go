package validate

import (
	"cmp"
	"slices"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

const fieldSource = "spec.source"

// neutralisable checks that the data of another environment can be made harmless before anything runs on it.
func neutralisable(env *v1alpha1.CRMEnvironment, class *v1alpha1.CRMClass) error {
	copied := env.Spec.Source != nil || env.Status.Source != nil
	if !copied || env.Status.Version != "" || !target.MustNeutralise(env.Spec.Purpose) || class.Spec.Neutralise != nil {
		return nil
	}
	return outcome.Reject(v1alpha1.ReasonNotNeutralisable,
		"spec.source: CRMClass %s has no spec.neutralise, without which a copy could send mail to customers; have the platform add it to the "+
			"class, or copy for purpose Production", class.Name)
}

// unknownVersion stands in the status of an environment whose backup was deleted before that was written.
const unknownVersion = "unknown"

// filledNow is what an environment was filled with since its status was written.
func filledNow(env *v1alpha1.CRMEnvironment, s *facts.Source) *v1alpha1.EnvironmentSourceStatus {
	if s == nil || s.Restore == nil || !target.Fills(s.Restore, env) || s.Restore.Status.Phase != v1alpha1.PhaseComplete {
		return nil
	}
	filled := &v1alpha1.EnvironmentSourceStatus{Backup: s.Restore.Spec.From.BackupRef.Name, Version: unknownVersion}
	if b, err := backupNamed(fieldSource, filled.Backup, s.Backups); err == nil {
		filled.Version = b.Status.Record.Version
	}
	return filled
}

// fill finds the backup that an environment is to be filled with.
func fill(env *v1alpha1.CRMEnvironment, t *target.Target, s *facts.Source) error {
	if t.Source == nil {
		return nil
	}
	if s == nil {
		s = &facts.Source{}
	}
	b, err := chosen(env, s)
	if err != nil || b == nil {
		return err
	}
	if err := fits(b, t, s.Environments); err != nil {
		return err
	}
	t.Source = sourceOf(b)
	return nil
}

func sourceOf(b *v1alpha1.CRMBackup) *target.Source {
	return &target.Source{Environment: b.Spec.EnvironmentRef.Name, Backup: b.Name, Version: b.Status.Record.Version}
}

// chosen is the backup that the restore was made for, or that it is to be made for; nil when it is needed no more.
func chosen(env *v1alpha1.CRMEnvironment, s *facts.Source) (*v1alpha1.CRMBackup, error) {
	switch r := s.Restore; {
	case r == nil:
		return sourceBackup(env.Spec.Source, s.Backups)
	case !target.Fills(r, env):
		return nil, outcome.Wait(v1alpha1.ReasonNameClash, patience,
			"CRMRestore %s exists and was not made to fill this environment; delete it", r.Name)
	case r.Status.CompletedAt != nil:
		return nil, nil
	default:
		return waitFor(backupNamed(fieldSource, r.Spec.From.BackupRef.Name, s.Backups))
	}
}

func sourceBackup(source *v1alpha1.EnvironmentSource, backups []v1alpha1.CRMBackup) (*v1alpha1.CRMBackup, error) {
	if ref := source.BackupRef; ref != nil {
		return waitFor(backupNamed(fieldSource, ref.Name, backups))
	}
	return waitFor(newestOf(fieldSource, &v1alpha1.NewestBackup{EnvironmentRef: *source.EnvironmentRef}, backups))
}

// waitFor a backup that may be declared later than the environment.
func waitFor(b *v1alpha1.CRMBackup, err error) (*v1alpha1.CRMBackup, error) {
	if i, ok := outcome.AsInvalid(err); ok && i.Reason == v1alpha1.ReasonBackupNotFound {
		return nil, outcome.Wait(i.Reason, runPatience, "%s", i.Message)
	}
	return b, err
}

// fits checks that the environment can do something with the backup.
func fits(b *v1alpha1.CRMBackup, t *target.Target, environments []v1alpha1.CRMEnvironment) error {
	class := b.Status.Record.Class
	if of := environment(b.Spec.EnvironmentRef.Name, environments); of != nil {
		class = cmp.Or(class, of.Spec.ClassRef.Name)
	}
	switch version := b.Status.Record.Version; {
	case class != t.ClassName:
		return outcome.Reject(v1alpha1.ReasonBackupUnusable,
			"spec.source: CRMBackup %s is of class %q and the environment is of %q; data of one product is of no use to another", b.Name, class, t.ClassName)
	case !t.Reaches(version):
		return outcome.Reject(v1alpha1.ReasonVersionMismatch,
			"spec.version: CRMBackup %s is of version %q, from which %q cannot be reached; set spec.version to %q or to a version that upgrades from it",
			b.Name, version, t.Version.Name, version)
	}
	return nil
}

func environment(name string, environments []v1alpha1.CRMEnvironment) *v1alpha1.CRMEnvironment {
	i := slices.IndexFunc(environments, func(e v1alpha1.CRMEnvironment) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return &environments[i]
}

func unfilled(env *v1alpha1.CRMEnvironment) error {
	return outcome.Wait(v1alpha1.ReasonEnvironmentNotReady, runPatience, "CRMEnvironment %s has not got the data of its source yet", env.Name)
}

// copyable checks that an environment is being filled by the restore, that the backup is the source that it names, and that the source's key still opens it.
func copyable(r *v1alpha1.CRMRestore, b *v1alpha1.CRMBackup, t *target.Target, env, of *v1alpha1.CRMEnvironment) error {
	source, record := env.Spec.Source, b.Status.Record
	namesBackup := source.BackupRef != nil && source.BackupRef.Name == b.Name
	namesEnvironment := source.EnvironmentRef != nil && source.EnvironmentRef.Name == b.Spec.EnvironmentRef.Name
	switch {
	case !target.Fills(r, env):
		return unfilled(env)
	case !namesBackup && !namesEnvironment:
		return outcome.Reject(v1alpha1.ReasonNotAllowed, "CRMBackup %s is not what spec.source of CRMEnvironment %s names", b.Name, env.Name)
	case !t.Reaches(record.Version):
		return outcome.Reject(v1alpha1.ReasonVersionMismatch, "CRMBackup %s is of version %q, from which %q cannot be reached",
			b.Name, record.Version, t.Version.Name)
	case of == nil || of.Status.Encryption == nil || of.Status.Encryption.KeyCreated == nil:
		return nil // The run finds out whether the key is there.
	}
	return opened(b, t.RestoreSource(), of.Status.Encryption)
}

// opened checks that the key of an environment in that namespace still opens the backup.
func opened(b *v1alpha1.CRMBackup, namespace string, key *v1alpha1.EncryptionStatus) error {
	switch record := b.Status.Record; {
	case !ownBackup(b, backup.Repository(namespace, key.KeyCreated.Time)):
		return outcome.Reject(v1alpha1.ReasonKeyVersionGone,
			"CRMBackup %s was made with a key that was destroyed since; nobody can read it any more", b.Name)
	case record.KeyVersion < key.MinDecryptionVersion:
		return outcome.Reject(v1alpha1.ReasonKeyVersionGone,
			"CRMBackup %s needs version %d of the environment's key, and Vault decrypts from version %d on; lower min_decryption_version of key %s",
			b.Name, record.KeyVersion, key.MinDecryptionVersion, namespace)
	}
	return nil
}
