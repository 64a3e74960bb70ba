package backup

import (
	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Restore is what a restore reads: a complete backup of an environment, from locations in this order.
type Restore struct {
	Restore   *v1alpha1.CRMRestore
	Backup    *v1alpha1.CRMBackup
	Locations []v1alpha1.CRMBackupLocation
}

// ForRestore plans the run that puts a backup into the environment.
func ForRestore(t *target.Target, r Restore) []object.Object {
	out := ofRestore(t, naming.RunRestore, r.Restore)
	out.volumes, out.locations, out.repository = writeVolumes, r.Locations, r.Backup.Status.Record.Repository
	out.config.Volumes = volumeNames(t)
	out.config.Locations = locations(t, out.repository, r.Locations)
	out.config.Restore.ID = ID(r.Backup)
	out.config.Restore.ManifestDigest = r.Backup.Status.Record.ManifestDigest
	out.config.Restore.Tenant = t.Tenant
	out.config.Restore.ReadBack = t.Purpose == v1alpha1.PurposeDrill
	out.config.Restore.Environment = r.Backup.Spec.EnvironmentRef.Name
	if t.RestoreSource() != t.Namespace && t.Class.DataKey != nil {
		out.config.Keys.RewrapPath = t.Vault.TransitPath("encrypt", layout.EncryptionKeyName(t.Namespace))
		out.config.Keys.RewrappedPath = t.Vault.KVDataPath(layout.DataKeyPath(t.Namespace))
	}
	return out.objects()
}

// ForDrop plans the run that removes what a restore has replaced.
func ForDrop(t *target.Target, r *v1alpha1.CRMRestore) []object.Object {
	out := afterRestore(t, naming.RunDrop, r)
	out.config.Restore.Drop = true
	return out.objects()
}

// ForUndo plans the run that brings back what a restore has replaced, however far it came.
func ForUndo(t *target.Target, r *v1alpha1.CRMRestore) []object.Object {
	out := afterRestore(t, naming.RunUndo, r)
	out.config.Restore.Undo = true
	return out.objects()
}

func afterRestore(t *target.Target, kind string, r *v1alpha1.CRMRestore) run {
	out := ofRestore(t, kind, r)
	out.volumes, out.config.Volumes = writeVolumes, volumeNames(t)
	return out
}

// RestoreJob is the name of the Job that restores.
func RestoreJob(r *v1alpha1.CRMRestore) string { return naming.Run(naming.RunRestore, string(r.UID)) }

// DropJob is the name of the Job that removes what was replaced.
func DropJob(r *v1alpha1.CRMRestore) string { return naming.Run(naming.RunDrop, string(r.UID)) }

// UndoJob is the name of the Job that brings back what was replaced.
func UndoJob(r *v1alpha1.CRMRestore) string { return naming.Run(naming.RunUndo, string(r.UID)) }

// ofRestore is a run with the rights of a restore. What it replaces is kept under a name that Postgres takes as it is.
func ofRestore(t *target.Target, kind string, r *v1alpha1.CRMRestore) run {
	a := workload.AccessOf(t, naming.ComponentRestore)
	out := run{
		target: t, name: naming.Run(kind, string(r.UID)), of: naming.RunOf(kind, r.Name),
		component: naming.ComponentRestore, serviceAccount: a.ServiceAccount,
	}
	out.config = config.Config{
		Vault: a.Vault, Certificate: a.Certificate, Database: database(t, a), Keys: keys(t, t.RestoreSource()),
		Locations: []config.Location{},
		Restore:   &config.Restore{Name: naming.Hash(string(r.UID))},
	}
	out.config.Database.Owner = t.Class.Database.Name
	if t.Database.External == nil {
		out.config.Database.StorageBytes = t.Database.Storage.Value()
	}
	return out
}
