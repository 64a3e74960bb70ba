package manifest_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/evidence"
)

var (
	digest   = strings.Repeat("0a", 32)
	snapshot = strings.Repeat("b1", 32)
)

func complete() manifest.Manifest {
	return manifest.Manifest{
		ID: "nightly-1-abcdef", Tenant: "acme", Environment: "prod", Class: "tryton", Version: "6.0", Schedule: "nightly",
		StartedAt: "2026-11-21T01:00:00Z", EndedAt: "2026-11-21T01:02:00Z", Key: "crm-acme--prod", DataKey: "vault:v2:AAAA",
		Database: manifest.Database{
			Name: "crm", ServerVersion: "15.18", Bytes: 4096, DatabaseBytes: 8192, RestrictedBy: "vault:v1:BBBB",
			Tables: []manifest.Table{{Name: "public.contact", Rows: 3, Digest: digest}, {Name: "public.lead", Digest: digest}},
		},
		Volumes: []manifest.Volume{{Name: "uploads", Files: 2, Bytes: 512}},
		Locations: []manifest.Location{
			{Name: "east", Repository: "backups/crm-acme--prod/1", Password: "vault:v1:BBBB", Database: snapshot, Volumes: []string{snapshot}, BytesAdded: 9},
			{Name: "west", Repository: "backups/crm-acme--prod/1", Password: "vault:v3:CCCC", Database: snapshot, Volumes: []string{snapshot}},
		},
		Seconds: map[string]float64{"Database": 1.5, "Volumes": 0.25},
	}
}

func signed(t *testing.T, text string, key ed25519.PrivateKey) []byte {
	t.Helper()
	document, err := manifest.Document(evidence.Certificate{
		Statement: text, Signature: ed25519.Sign(key, []byte(text)), PublicKey: key.Public().(ed25519.PublicKey),
	})
	require.NoError(t, err)
	return document
}

func newKey(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	return public, private
}

func TestASignedManifestReadsAsItWasWritten(t *testing.T) {
	older, _ := newKey(t)
	public, private := newKey(t)
	text, err := complete().Encode()
	require.NoError(t, err)
	again, err := complete().Encode()
	require.NoError(t, err)
	assert.Equal(t, text, again, "the same manifest gives the same text")

	got, err := manifest.Read(signed(t, text, private), older, public)
	require.NoError(t, err)
	want := complete()
	want.Kind, want.Format = manifest.Kind, manifest.Format
	assert.Equal(t, want, got)
	assert.Equal(t, []string{"vault:v1:BBBB", "vault:v2:AAAA", "vault:v1:BBBB", "vault:v3:CCCC"}, got.Wrapped())
	west, ok := got.Location("west")
	assert.True(t, ok)
	assert.Equal(t, []string{snapshot, snapshot}, west.Snapshots())
	_, ok = got.Location("north")
	assert.False(t, ok)
}

func TestADocumentThatIsNotAsItWasSignedIsRefused(t *testing.T) {
	public, private := newKey(t)
	_, stranger := newKey(t)
	text, err := complete().Encode()
	require.NoError(t, err)
	document := signed(t, text, private)

	for sentence, test := range map[string]struct {
		document []byte
		says     string
	}{
		"another tenant":          {bytes.Replace(document, []byte("acme"), []byte("evil"), 1), "does not fit"},
		"fewer rows":              {bytes.Replace(document, []byte(`rows\":3`), []byte(`rows\":2`), 1), "does not fit"},
		"a stranger's signature":  {signed(t, text, stranger), "not signed by the environment's evidence key"},
		"an unknown field":        {append([]byte(`{"extra":1,`), document[1:]...), "unknown field"},
		"more after its end":      {append(bytes.Clone(document), "{}"...), "more after its end"},
		"a part of it":            {document[:len(document)-10], "unexpected"},
		"nothing":                 {nil, "EOF"},
		"more than a manifest is": {bytes.Repeat([]byte(" "), manifest.MaxSize+1), "larger than"},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, err := manifest.Read(test.document, public)
			require.ErrorContains(t, err, test.says)
			assert.Zero(t, got)
		})
	}
	_, err = manifest.Read(document)
	require.ErrorIs(t, err, manifest.ErrUntrusted, "nobody is trusted")
}

func TestASignedTextInAnotherFormIsRefused(t *testing.T) {
	public, private := newKey(t)
	text, err := complete().Encode()
	require.NoError(t, err)
	for sentence, other := range map[string]string{
		"a field twice":          strings.Replace(text, `"tenant":"acme"`, `"tenant":"evil","tenant":"acme"`, 1),
		"another spelling":       strings.Replace(text, `"tenant"`, `"Tenant"`, 1),
		"spaces":                 text + " ",
		"an unknown field":       strings.Replace(text, `{"kind"`, `{"later":1,"kind"`, 1),
		"another kind":           strings.Replace(text, "BackupManifest", "Other", 1),
		"a later format":         strings.Replace(text, `"format":1`, `"format":2`, 1),
		"a destruction of data":  `{"kind":"DestructionStatement"}`,
		"an array":               "[]",
		"a number out of bounds": strings.Replace(text, `"rows":3`, `"rows":1e30`, 1),
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := manifest.Read(signed(t, other, private), public)
			require.Error(t, err)
		})
	}
}

func TestAManifestThatNoRunWritesIsNotSigned(t *testing.T) {
	for sentence, spoil := range map[string]func(*manifest.Manifest){
		"an ID with a slash":             func(m *manifest.Manifest) { m.ID = "a/b" },
		"no tenant":                      func(m *manifest.Manifest) { m.Tenant = "" },
		"a name without end":             func(m *manifest.Manifest) { m.Class = strings.Repeat("x", 254) },
		"a moment that is none":          func(m *manifest.Manifest) { m.EndedAt = "today" },
		"a data key in the clear":        func(m *manifest.Manifest) { m.DataKey = "c2VjcmV0" },
		"a password in the clear":        func(m *manifest.Manifest) { m.Locations[0].Password = "c2VjcmV0" },
		"a restrict key in the clear":    func(m *manifest.Manifest) { m.Database.RestrictedBy = "c2VjcmV0" },
		"a negative size":                func(m *manifest.Manifest) { m.Database.Bytes = -1 },
		"negative rows":                  func(m *manifest.Manifest) { m.Database.Tables[0].Rows = -1 },
		"a table twice":                  func(m *manifest.Manifest) { m.Database.Tables[1].Name = "public.contact" },
		"a digest that is none":          func(m *manifest.Manifest) { m.Database.Tables[0].Digest = "x" },
		"a volume twice":                 func(m *manifest.Manifest) { m.Volumes = append(m.Volumes, m.Volumes[0]) },
		"too many volumes":               func(m *manifest.Manifest) { m.Volumes = make([]manifest.Volume, 65) },
		"no location":                    func(m *manifest.Manifest) { m.Locations = nil },
		"a location twice":               func(m *manifest.Manifest) { m.Locations[1].Name = "east" },
		"a location without a volume":    func(m *manifest.Manifest) { m.Locations[1].Volumes = nil },
		"a snapshot that is an argument": func(m *manifest.Manifest) { m.Locations[0].Database = "--target=/" },
	} {
		t.Run(sentence, func(t *testing.T) {
			m := complete()
			spoil(&m)
			_, err := m.Encode()
			require.Error(t, err)
		})
	}
}

func FuzzRead(f *testing.F) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(f, err)
	text, err := complete().Encode()
	require.NoError(f, err)
	f.Add(text)
	f.Add(`{"kind":"BackupManifest","format":1,"locations":[{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		document, err := json.Marshal(evidence.Certificate{Statement: text, Signature: ed25519.Sign(private, []byte(text)), PublicKey: public})
		require.NoError(t, err)
		m, err := manifest.Read(document, public)
		if err != nil {
			return
		}
		again, err := m.Encode()
		require.NoError(t, err)
		assert.Equal(t, text, again)
	})
}
