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

func sign(t *testing.T) (evidence.Certificate, evidence.DestructionStatement) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	statement := evidence.DestructionStatement{
		Tenant: "acme", Environment: "prod", UID: "1234", Purpose: "Production", Class: "tryton", Owner: "Wei Zhang",
		RequestedAt: "2026-11-01T12:00:00Z", DestroyedAt: "2026-11-02T12:00:00Z", Key: "crm-acme--prod", KeyVersions: 3,
	}
	text, err := statement.Encode()
	require.NoError(t, err)
	return evidence.Certificate{Statement: text, Signature: ed25519.Sign(private, []byte(text)), PublicKey: public}, statement
}

func TestACertificateVerifiesAfterItWasStored(t *testing.T) {
	certificate, statement := sign(t)
	stored, err := json.Marshal(certificate)
	require.NoError(t, err)
	var read evidence.Certificate
	require.NoError(t, json.Unmarshal(stored, &read))

	got, err := read.Verify()
	require.NoError(t, err)
	assert.Equal(t, "DestructionStatement", got.Kind)
	assert.Contains(t, got.Effect, "cannot be read any more")
	got.Kind, got.Effect = "", ""
	assert.Equal(t, statement, got)
}

func TestAForgedCertificateIsRefused(t *testing.T) {
	_, other, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	for sentence, forge := range map[string]func(*evidence.Certificate){
		"another environment":            func(c *evidence.Certificate) { c.Statement = strings.Replace(c.Statement, "prod", "test", 1) },
		"a space more":                   func(c *evidence.Certificate) { c.Statement += " " },
		"no statement":                   func(c *evidence.Certificate) { c.Statement = "" },
		"no signature":                   func(c *evidence.Certificate) { c.Signature = nil },
		"a changed signature":            func(c *evidence.Certificate) { c.Signature[0] ^= 1 },
		"somebody else's signature":      func(c *evidence.Certificate) { c.Signature = ed25519.Sign(other, []byte(c.Statement)) },
		"no public key":                  func(c *evidence.Certificate) { c.PublicKey = nil },
		"a public key of another length": func(c *evidence.Certificate) { c.PublicKey = c.PublicKey[:16] },
	} {
		t.Run(sentence, func(t *testing.T) {
			certificate, _ := sign(t)
			forge(&certificate)
			statement, err := certificate.Verify()
			require.ErrorIs(t, err, evidence.ErrForged)
			assert.Zero(t, statement)
		})
	}
}

func TestASignedTextThatIsNoStatementIsRefused(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	_, err = evidence.Certificate{Statement: "hello", Signature: ed25519.Sign(private, []byte("hello")), PublicKey: public}.Verify()
	require.ErrorContains(t, err, "reading the statement")
}
