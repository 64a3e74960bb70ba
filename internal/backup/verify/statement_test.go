package verify_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/verify"
	"github.com/crmkeep/crmkeep/internal/evidence"
)

// drilled gives a signed result of a drill and the file of the key that verifies it.
func drilled(t *testing.T) (certificate, key string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	statement, err := evidence.DrillStatement{Tenant: "acme", Verdict: evidence.VerdictFailed, Message: "CheckFailed: \x1b[2J\u202e"}.Encode()
	require.NoError(t, err)
	data, err := evidence.Certificate{Statement: statement, Signature: ed25519.Sign(private, []byte(statement)), PublicKey: public}.Data()
	require.NoError(t, err)
	return write(t, []byte(data["certificate.json"])), write(t, []byte(base64.StdEncoding.EncodeToString(public)))
}

func verifyStatement(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := verify.NewCommand()
	cmd.SetArgs(append([]string{"statement"}, args...))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestTheResultOfADrillIsVerifiedAndPrinted(t *testing.T) {
	certificate, key := drilled(t)
	out, err := verifyStatement(t, certificate, "--public-key", key)
	require.NoError(t, err)
	assert.Contains(t, out, "the signature fits")
	assert.Contains(t, out, `"verdict": "Failed"`)
	assert.NotContains(t, out, "\x1b", "nothing in it reaches the terminal")
	assert.NotContains(t, out, "\u202e")
}

func TestTheResultOfADrillOfAnotherEnvironmentIsRefused(t *testing.T) {
	certificate, _ := drilled(t)
	_, key := drilled(t)
	out, err := verifyStatement(t, certificate, "--public-key", key)
	require.ErrorIs(t, err, evidence.ErrUntrusted)
	assert.NotContains(t, out, "acme")
}

func TestAReviewIsVerifiedAsItLiesCompressedInItsConfigMap(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	statement, err := evidence.ReviewStatement{Tenant: "acme", Rows: []evidence.ReviewRow{{Login: "\u202eanil"}}}.Encode()
	require.NoError(t, err)
	data, err := evidence.Certificate{Statement: statement, Signature: ed25519.Sign(private, []byte(statement)), PublicKey: public}.BinaryData()
	require.NoError(t, err)
	packed, key := data[evidence.CompressedField], write(t, []byte(base64.StdEncoding.EncodeToString(public)))

	out, err := verifyStatement(t, write(t, packed), "--public-key", key)
	require.NoError(t, err)
	assert.Contains(t, out, `"login": "\u202eanil"`)
	_, err = verifyStatement(t, write(t, packed[:len(packed)/2]), "--public-key", key)
	require.ErrorContains(t, err, "the certificate")
}
