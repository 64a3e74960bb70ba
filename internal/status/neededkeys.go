package status

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// mostNeededBy is how many backups are named.
const mostNeededBy = 10

// neededKeys writes down the oldest version of the key that a backup needs which is still kept, and which backups those are. Backups are
// the environment's, oldest first; what an earlier key has made, which was destroyed, needs none of this one.
func neededKeys(s *v1alpha1.EncryptionStatus, namespace string, backups []facts.Backup) {
	if s == nil {
		return
	}
	s.NeededKeyVersion, s.NeededBy = 0, nil
	mine := ofKey(s, namespace, backups)
	for _, b := range mine {
		if s.NeededKeyVersion == 0 || b.KeyVersion < s.NeededKeyVersion {
			s.NeededKeyVersion = b.KeyVersion
		}
	}
	mine = slices.DeleteFunc(mine, func(b facts.Backup) bool { return b.KeyVersion != s.NeededKeyVersion })
	s.NeededBy = names(mine)
}

// keyVersionsGone says which backups cannot be read because Vault was told not to decrypt with the version that they need.
func keyVersionsGone(t *target.Target, s *v1alpha1.EncryptionStatus, backups []facts.Backup) error {
	if s == nil || s.NeededKeyVersion == 0 || s.NeededKeyVersion >= s.MinDecryptionVersion {
		return nil
	}
	unreadable := slices.DeleteFunc(ofKey(s, t.Namespace, backups), func(b facts.Backup) bool { return b.KeyVersion >= s.MinDecryptionVersion })
	list := strings.Join(names(unreadable), ", ")
	if more := len(unreadable) - mostNeededBy; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return outcome.Wait(v1alpha1.ReasonKeyVersionGone, 0,
		"nobody can read CRMBackup %s: Vault decrypts from version %d of the environment's key on. An administrator of Vault brings them back with: "+
			"vault write %s/config min_decryption_version=%d",
		list, s.MinDecryptionVersion, t.Vault.TransitPath("keys", layout.EncryptionKeyName(t.Namespace)), s.NeededKeyVersion)
}

// ofKey are the backups that the environment's present key has made.
func ofKey(s *v1alpha1.EncryptionStatus, namespace string, backups []facts.Backup) []facts.Backup {
	if s.KeyCreated == nil {
		return nil
	}
	repository := backup.Repository(namespace, s.KeyCreated.Time)
	return slices.DeleteFunc(slices.Clone(backups), func(b facts.Backup) bool { return b.Repository != repository })
}

func names(backups []facts.Backup) []string {
	var out []string
	for _, b := range backups[:min(len(backups), mostNeededBy)] {
		out = append(out, b.Name)
	}
	return out
}
