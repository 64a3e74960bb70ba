package validate_test

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/validate"
)

func imported(id string) *v1alpha1.CRMBackup {
	return &v1alpha1.CRMBackup{Spec: v1alpha1.CRMBackupSpec{
		EnvironmentRef: v1alpha1.LocalReference{Name: "prod"}, Locations: []string{"main"}, Import: &v1alpha1.BackupImport{ID: id},
	}}
}

func TestAManifestIsImportedOnlyIfItIsTheEnvironmentsOwn(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	_, stranger, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	digest := strings.Repeat("0a", 32)
	want := validate.Import{
		Tenant: "acme", Environment: "prod", Key: "crm-acme--prod", Trusted: []ed25519.PublicKey{public},
		Prefixes: map[string]string{"main": "keep/crm-acme--prod/17"},
	}
	for sentence, c := range map[string]struct {
		change func(*manifest.Manifest)
		by     ed25519.PrivateKey
		spoil  func([]byte) []byte
		wrong  string
	}{
		"its own":                      {},
		"one that another has signed":  {by: stranger, wrong: "not signed by the environment's evidence key"},
		"one that was edited":          {spoil: func(d []byte) []byte { return []byte(strings.Replace(string(d), "2.0", "1.0", 1)) }, wrong: "does not fit"},
		"no manifest":                  {spoil: func([]byte) []byte { return []byte("hello") }, wrong: "the document"},
		"another backup's":             {change: func(m *manifest.Manifest) { m.ID = "other" }, wrong: `is of backup "other"`},
		"another tenant's":             {change: func(m *manifest.Manifest) { m.Tenant = "globex" }, wrong: `is of tenant "globex"`},
		"another environment's":        {change: func(m *manifest.Manifest) { m.Environment = "test" }, wrong: `is of environment "test"`},
		"one by another key":           {change: func(m *manifest.Manifest) { m.Key = "crm-globex--prod" }, wrong: `is of key "crm-globex--prod"`},
		"one of an earlier repository": {change: func(m *manifest.Manifest) { m.Locations[0].Repository = "keep/crm-acme--prod/16" }, wrong: "names none of spec.locations"},
		"one of a renamed location":    {change: func(m *manifest.Manifest) { m.Locations[0].Name = "old" }, wrong: "under the names that they had"},
	} {
		t.Run(sentence, func(t *testing.T) {
			m := manifest.Manifest{
				ID: "nightly-1", Tenant: "acme", Environment: "prod", Class: "demo", Version: "2.0", Key: "crm-acme--prod",
				StartedAt: "2026-11-21T01:00:00Z", EndedAt: "2026-11-21T01:02:00Z",
				Database:  manifest.Database{Name: "demo", RestrictedBy: "vault:v1:A", Tables: []manifest.Table{}},
				Locations: []manifest.Location{{Name: "main", Repository: "keep/crm-acme--prod/17", Password: "vault:v1:A", Database: digest}},
			}
			if c.change != nil {
				c.change(&m)
			}
			key := private
			if c.by != nil {
				key = c.by
			}
			text, err := m.Encode()
			require.NoError(t, err)
			document, err := manifest.Document(evidence.Certificate{
				Statement: text, Signature: ed25519.Sign(key, []byte(text)), PublicKey: key.Public().(ed25519.PublicKey)})
			require.NoError(t, err)
			if c.spoil != nil {
				document = c.spoil(document)
			}
			_, err = validate.Imported(imported("nightly-1"), document, want)
			if c.wrong == "" {
				require.NoError(t, err)
				return
			}
			refused, ok := outcome.AsInvalid(err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, v1alpha1.ReasonBackupForged, refused.Reason)
			assert.Contains(t, refused.Message, c.wrong)
		})
	}
}

func TestAnUnknownIDIsAnsweredWithThoseThatThereAre(t *testing.T) {
	var ids []string
	for i := range 25 {
		ids = append(ids, fmt.Sprintf("nightly-%02d", i))
	}
	err := validate.NotThere(imported("nightly"), "crm-acme--prod/17", ids)
	assert.ErrorContains(t, err, `no backup "nightly"`)
	assert.ErrorContains(t, err, "25 are there")
	assert.ErrorContains(t, err, "nightly-05, ")
	assert.ErrorContains(t, err, "nightly-24.")
	assert.NotContains(t, err.Error(), "nightly-04", "at most twenty are named")
	assert.ErrorContains(t, validate.NotThere(imported("x"), "crm-acme--prod/17", nil), "no backup at all below crm-acme--prod/17")
}
