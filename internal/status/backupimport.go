package status

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Imported is a manifest that was verified.
type Imported struct {
	Manifest manifest.Manifest
	// Digest of the document, and Repository where in each location the backup is, below the location's prefix.
	Digest, Repository string
}

// BackupImported writes the record of a backup as the run would have left it that made the backup.
func BackupImported(b *v1alpha1.CRMBackup, of Imported, now metav1.Time) v1alpha1.CRMBackupStatus {
	m, s := of.Manifest, *b.Status.DeepCopy()
	s.ObservedGeneration, s.StartedAt, s.CompletedAt = b.Generation, moment(m.StartedAt, now), moment(m.EndedAt, now)
	w := writer{conditions: &s.Conditions, generation: b.Generation, now: now}
	s.Locations = nil
	for _, name := range b.Spec.Locations {
		s.Locations = append(s.Locations, importedPart(m, name))
	}
	failed := slices.DeleteFunc(slices.Clone(s.Locations), func(l v1alpha1.BackupLocationStatus) bool { return l.Phase == v1alpha1.PhaseComplete })
	if s.Phase = v1alpha1.PhaseComplete; len(failed) > 0 {
		s.Phase = v1alpha1.PhasePartiallyFailed
		w.ready(outcome.Reject(v1alpha1.ReasonPartiallyFailed, "%s: %s", failed[0].Name, failed[0].Message), "")
	} else {
		w.ready(nil, v1alpha1.ReasonSucceeded)
	}
	s.Record = &v1alpha1.BackupRecord{
		Version: m.Version, Class: m.Class, KeyVersion: oldestVersion(m), ManifestDigest: of.Digest, Repository: of.Repository, Bytes: m.Database.Bytes,
	}
	for _, v := range m.Volumes {
		s.Record.Bytes += v.Bytes
	}
	for _, t := range m.Database.Tables {
		s.Record.Rows += t.Rows
	}
	return s
}

// shortID is how many characters of a snapshot's ID a status shows.
const shortID = 8

func importedPart(m manifest.Manifest, name string) v1alpha1.BackupLocationStatus {
	l, ok := m.Location(name)
	if !ok {
		return v1alpha1.BackupLocationStatus{Name: name, Phase: v1alpha1.PhaseFailed, Message: "the manifest does not say that it holds the backup"}
	}
	part := v1alpha1.BackupLocationStatus{Name: name, Phase: v1alpha1.PhaseComplete, BytesAdded: l.BytesAdded}
	for _, id := range l.Snapshots() {
		part.Snapshots = append(part.Snapshots, id[:shortID])
	}
	part.Snapshots = slices.Compact(slices.Sorted(slices.Values(part.Snapshots)))
	return part
}

// oldestVersion of the key that wraps anything of the backup.
func oldestVersion(m manifest.Manifest) (oldest int64) {
	for _, wrapped := range m.Wrapped() {
		if version, err := keys.Version(wrapped); err == nil && (oldest == 0 || version < oldest) {
			oldest = version
		}
	}
	return oldest
}

// moment reads a time of a manifest, which has been checked.
func moment(text string, otherwise metav1.Time) *metav1.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return &otherwise
	}
	read := metav1.NewTime(at)
	return &read
}
