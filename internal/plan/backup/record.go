package backup

import (
	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// ID of a backup in its repositories. One whose record was imported has that which it was made with.
func ID(b *v1alpha1.CRMBackup) string {
	if b.Spec.Import != nil {
		return b.Spec.Import.ID
	}
	return naming.BackupID(b.Name, string(b.UID))
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
