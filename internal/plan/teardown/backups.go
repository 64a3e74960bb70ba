package teardown

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
)

// mostDestroyed is how many backups a certificate lists: it has to fit into a ConfigMap.
const mostDestroyed = 1000

// MadeWith are those of a tenant's backups that the environment's present key has made, oldest first.
func (e Environment) MadeWith(env *v1alpha1.CRMEnvironment, backups []v1alpha1.CRMBackup) []v1alpha1.CRMBackup {
	if env.Status.Encryption == nil || env.Status.Encryption.KeyCreated == nil {
		return nil
	}
	repository := backup.Repository(e.Namespace, env.Status.Encryption.KeyCreated.Time)
	made := slices.DeleteFunc(slices.Clone(backups), func(b v1alpha1.CRMBackup) bool {
		return b.Status.Record == nil || b.Status.CompletedAt == nil || b.Status.Record.Repository != repository
	})
	slices.SortFunc(made, func(a, b v1alpha1.CRMBackup) int {
		return cmp.Or(a.Status.CompletedAt.Compare(b.Status.CompletedAt.Time), cmp.Compare(a.Name, b.Name))
	})
	return made
}

func destroyed(backups []v1alpha1.CRMBackup) []evidence.DestroyedBackup {
	out := []evidence.DestroyedBackup{}
	for _, b := range backups[max(0, len(backups)-mostDestroyed):] {
		out = append(out, evidence.DestroyedBackup{
			Name: b.Name, ID: backup.ID(&b), CompletedAt: b.Status.CompletedAt.UTC().Format(time.RFC3339),
			KeyVersion: b.Status.Record.KeyVersion, Locations: backup.HeldBy(&b), Repository: b.Status.Record.Repository,
		})
	}
	return out
}

// Whereabouts says where that is which stays of an environment whose deletion destroys no key. Backups are as MadeWith gives them, and locations
// all that exist, by name.
func (e Environment) Whereabouts(
	policy v1alpha1.DeletionPolicy, backups []v1alpha1.CRMBackup, locations map[string]v1alpha1.CRMBackupLocation,
) string {
	said := []string{"The volumes are gone with namespace " + e.Namespace}
	if policy == v1alpha1.DeletionRetain {
		said = []string{"The volumes are kept in namespace " + e.Namespace}
	}
	said = append(said, "Vault keeps key "+e.Layout().EncryptionKey.Name)
	if folders := foldersOf(backups, locations); len(folders) > 0 {
		said = append(said, "Backups are kept at "+strings.Join(folders, ", "))
	} else {
		said = append(said, "There are no backups")
	}
	return strings.Join(said, ". ") + fmt.Sprintf(". An environment of the name %s in the same tenant takes all of it up again", e.Name)
}

// foldersOf the repositories, with what is needed to find each.
func foldersOf(backups []v1alpha1.CRMBackup, locations map[string]v1alpha1.CRMBackupLocation) []string {
	var folders []string
	for i := range backups {
		for _, name := range backup.HeldBy(&backups[i]) {
			folder := backups[i].Status.Record.Repository
			if l, ok := locations[name]; ok {
				folder = strings.TrimSuffix(l.Spec.Endpoint, "/") + "/" + path.Join(l.Spec.Bucket, l.Spec.Prefix, folder)
			}
			folders = append(folders, name+" ("+folder+")")
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}
