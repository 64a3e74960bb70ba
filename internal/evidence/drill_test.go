package evidence_test

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/evidence"
)

// certified signs a text with a new key and gives the certificate as it is stored.
func certified(t *testing.T, text string) ([]byte, ed25519.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	data, err := evidence.Certificate{Statement: text, Signature: ed25519.Sign(private, []byte(text)), PublicKey: public}.Data()
	require.NoError(t, err)
	return []byte(data["certificate.json"]), public
}

func drillText(t *testing.T) string {
	t.Helper()
	took := int64(90)
	text, err := evidence.DrillStatement{
		Tenant: "acme", Environment: "prod", Schedule: "nightly", Drill: "nightly-drill-1", Backup: "nightly-1", RTOSeconds: &took,
		Stages: []evidence.Stage{{Name: "Restore", Milliseconds: 90000}}, Verdict: evidence.VerdictPassed,
	}.Encode()
	require.NoError(t, err)
	return text
}

func TestTheResultOfADrillIsReadByTheEnvironmentsKey(t *testing.T) {
	stored, public := certified(t, drillText(t))
	text, err := evidence.Read(stored, public)
	require.NoError(t, err)
	var got evidence.DrillStatement
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	assert.Equal(t, "DrillStatement", got.Kind)
	assert.Equal(t, "nightly-1", got.Backup)
	assert.EqualValues(t, 90, *got.RTOSeconds)
	assert.Nil(t, got.RPOSeconds, "what is not known is not said")

	destruction, err := evidence.DestructionStatement{Tenant: "acme"}.Encode()
	require.NoError(t, err)
	stored, public = certified(t, destruction)
	_, err = evidence.Read(stored, public)
	require.NoError(t, err)
}

func TestACertificateThatIsNotToBeBelievedIsNotRead(t *testing.T) {
	stored, public := certified(t, drillText(t))
	other, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	manifest, key := certified(t, `{"kind":"BackupManifest"}`)
	noText, noTextKey := certified(t, "hello")
	for sentence, c := range map[string]struct {
		stored []byte
		key    ed25519.PublicKey
		want   string
	}{
		"signed by another key":     {stored, other, "another key"},
		"changed":                   {[]byte(strings.Replace(string(stored), "acme", "evil", 1)), public, "does not fit"},
		"with something after it":   {append(append([]byte{}, stored...), "{}"...), public, "more after its end"},
		"with a field more":         {[]byte(strings.Replace(string(stored), "{", `{"note":"x",`, 1)), public, "unknown field"},
		"nothing":                   {nil, public, "the certificate"},
		"a statement of other kind": {manifest, key, `"BackupManifest" is neither`},
		"no statement":              {noText, noTextKey, "reading the statement"},
	} {
		t.Run(sentence, func(t *testing.T) {
			text, err := evidence.Read(c.stored, c.key)
			require.ErrorContains(t, err, c.want)
			assert.Empty(t, text)
		})
	}
	_, err = evidence.Read(stored)
	require.ErrorIs(t, err, evidence.ErrUntrusted)
}
