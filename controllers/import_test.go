package controllers_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
)

// repository is where in each location the environment's backups are.
func (p protected) repository() string {
	return backup.Repository(workloadNamespace(p.env), p.env.Status.Encryption.KeyCreated.Time)
}

// manifest of a backup in both locations, as a run would have made it.
func (p protected) manifest(id string) manifest.Manifest {
	digest := strings.Repeat("0a", 32)
	m := manifest.Manifest{
		ID: id, Tenant: p.tenant, Environment: p.env.Name, Class: "demo", Version: "2.0", Key: workloadNamespace(p.env),
		StartedAt: "2026-11-21T01:00:00Z", EndedAt: "2026-11-21T01:02:00Z", DataKey: "vault:v3:A",
		Database: manifest.Database{Name: "demo", Bytes: 100, RestrictedBy: "vault:v2:A", Tables: []manifest.Table{{Name: "party", Rows: 7, Digest: digest}}},
		Volumes:  []manifest.Volume{{Name: "uploads", Files: 1, Bytes: 11}},
	}
	for _, name := range p.locations {
		m.Locations = append(m.Locations, manifest.Location{
			Name: name, Repository: name + "/" + p.repository(), Password: "vault:v2:A", Database: digest, Volumes: []string{strings.Repeat("0b", 32)}})
	}
	return m
}

// sign does what a run does, by the environment's evidence key.
func (p protected) sign(t *testing.T, text string) evidence.Certificate {
	t.Helper()
	of := teardown.Environment{Tenant: p.tenant, Name: p.env.Name, Namespace: workloadNamespace(p.env), Settings: p.settings}.Layout()
	signature, err := p.keys.Sign(t.Context(), of, []byte(text))
	require.NoError(t, err)
	public, err := p.keys.PublicKeys(t.Context(), of)
	require.NoError(t, err)
	return evidence.Certificate{Statement: text, Signature: signature.Bytes, PublicKey: public[signature.KeyVersion]}
}

// put a document into one location.
func (p protected) put(t *testing.T, location, id string, signed evidence.Certificate) []byte {
	t.Helper()
	document, err := manifest.Document(signed)
	require.NoError(t, err)
	var l v1alpha1.CRMBackupLocation
	require.NoError(t, p.Get(t.Context(), client.ObjectKey{Name: location}, &l))
	s, err := store.New(backup.Location(target.VaultSettings(p.settings), &l, p.repository()),
		store.Credentials{AccessKeyID: p.objects.AccessKeyID, SecretAccessKey: secret.New(p.objects.SecretAccessKey)})
	require.NoError(t, err)
	require.NoError(t, s.PutManifest(t.Context(), id, document))
	return document
}

func (p protected) importOf(t *testing.T, name, id string) *v1alpha1.CRMBackup {
	t.Helper()
	b := &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(p.tenant), Name: name},
		Spec: v1alpha1.CRMBackupSpec{
			EnvironmentRef: v1alpha1.LocalReference{Name: p.env.Name}, Locations: p.locations, Import: &v1alpha1.BackupImport{ID: id},
		},
	}
	p.create(t, b)
	return b
}

func recordIsImported(t *testing.T, in *installation) {
	p := in.protected(t, "refugee")
	m := p.manifest("nightly-1")
	text, err := m.Encode()
	require.NoError(t, err)
	document := p.put(t, p.locations[1], "nightly-1", p.sign(t, text))

	b := p.importOf(t, "found", "nightly-1")
	in.backupComesTo(t, b, v1alpha1.PhaseComplete, "True Succeeded")
	assert.Equal(t, "2026-11-21T01:02:00Z", b.Status.CompletedAt.UTC().Format("2006-01-02T15:04:05Z07:00"))
	assert.Equal(t, &v1alpha1.BackupRecord{
		Version: "2.0", Class: "demo", KeyVersion: 2, ManifestDigest: manifest.Digest(document), Repository: p.repository(), Bytes: 111, Rows: 7,
	}, b.Status.Record)
	require.Len(t, b.Status.Locations, 2)
	assert.Equal(t, v1alpha1.PhaseComplete, b.Status.Locations[0].Phase)
	assert.Equal(t, []string{"0a0a0a0a", "0b0b0b0b"}, b.Status.Locations[0].Snapshots)
	assert.Empty(t, b.Finalizers)
	assert.Empty(t, in.jobs(t, p.env), "nothing runs for it")

	b = p.importOf(t, "misspelled", "nightly-2")
	in.backupComesTo(t, b, v1alpha1.PhaseFailed, "Stalled BackupNotFound")
	assert.Contains(t, meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ConditionReady).Message, "nightly-1")
}

func foreignManifestIsNotImported(t *testing.T, in *installation) {
	p := in.protected(t, "gullible")
	forged, err := p.manifest("forged").Encode()
	require.NoError(t, err)
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	p.put(t, p.locations[0], "forged", evidence.Certificate{Statement: forged, Signature: ed25519.Sign(private, []byte(forged)), PublicKey: public})
	in.backupComesTo(t, p.importOf(t, "forged", "forged"), v1alpha1.PhaseFailed, "Stalled BackupForged")

	other := p.manifest("other")
	other.Tenant = "jealous"
	text, err := other.Encode()
	require.NoError(t, err)
	p.put(t, p.locations[0], "other", p.sign(t, text))
	in.backupComesTo(t, p.importOf(t, "other", "other"), v1alpha1.PhaseFailed, "Stalled BackupForged")

	b := p.importOf(t, "never", "never")
	in.backupComesTo(t, b, v1alpha1.PhaseFailed, "Stalled BackupNotFound")
	assert.NotContains(t, meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ConditionReady).Message,
		base64.StdEncoding.EncodeToString(public), "only names are told")
	p.env.Name = "unborn"
	in.backupComesTo(t, p.importOf(t, "unborn", "forged"), v1alpha1.PhaseFailed, "Stalled KeyVersionGone")
}

// What is lost with a cluster is here what is deleted: the records, the environment and its volumes. Vault and the bucket stay.
func lostEnvironmentComesBack(t *testing.T, in *installation) {
	p := in.protected(t, "survivor")
	m := p.manifest("nightly-1")
	text, err := m.Encode()
	require.NoError(t, err)
	p.put(t, p.locations[0], "nightly-1", p.sign(t, text))
	require.NoError(t, in.Delete(t.Context(), p.env))
	in.gone(t, p.env)
	p.toldWhereItIs(t, "The volumes are gone", "There are no backups")

	b := p.importOf(t, "found", "nightly-1")
	in.backupComesTo(t, b, v1alpha1.PhaseComplete, "True Succeeded")
	born := b.Status.Record.Repository
	p.env = in.ready(t, "survivor", "prod")
	assert.Equal(t, born, p.repository(), "with the key that it had")

	r := p.restore(t, "back", "found")
	p.run(t, "restore.back")
	var told corev1.ConfigMap
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: workloadNamespace(p.env), Name: backup.RestoreJob(r)}, &told))
	assert.Contains(t, told.Data["run.yaml"], "id: nightly-1\n")
	assert.Contains(t, told.Data["run.yaml"], "manifestDigest: "+b.Status.Record.ManifestDigest)
	p.tells(t, "restore.back", 0, restored)
	in.restoreComesTo(t, r, v1alpha1.PhaseComplete, "True Succeeded")
	in.comesTo(t, p.env, "True Succeeded")
}
