package verify_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/verify"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
)

var snapshot = strings.Repeat("b1", 32)

func text(t *testing.T) string {
	t.Helper()
	out, err := manifest.Manifest{
		ID: "nightly-1", Tenant: "acme", Environment: "prod", Class: "tryton", Version: "\x1b[31m", Key: "crm-acme--prod",
		StartedAt: "2026-11-21T01:00:00Z", EndedAt: "2026-11-21T01:02:00Z",
		Database:  manifest.Database{Name: "crm", RestrictedBy: "vault:v1:A", Tables: []manifest.Table{{Name: "public.contact", Rows: 3, Digest: snapshot}}},
		Volumes:   []manifest.Volume{{Name: "uploads", Files: 2}},
		Locations: []manifest.Location{{Name: "east", Repository: "r", Password: "vault:v1:A", Database: snapshot, Volumes: []string{snapshot}}},
	}.Encode()
	require.NoError(t, err)
	return out
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	return file
}

func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command := verify.NewCommand()
	command.SetOut(&out)
	command.SetErr(&out)
	command.SilenceUsage = true
	command.SetArgs(append([]string{"manifest"}, args...))
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestAManifestIsVerifiedOfflineByThePublicKeyInEitherForm(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	document, err := manifest.Document(evidence.Certificate{Statement: text(t), Signature: ed25519.Sign(private, []byte(text(t))), PublicKey: public})
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	file, digest := write(t, document), manifest.Digest(document)
	for sentence, key := range map[string][]byte{
		"PEM":    pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"base64": []byte(base64.StdEncoding.EncodeToString(public) + "\n"),
	} {
		out, err := execute(t, file, "--public-key", write(t, key), "--digest", digest)
		require.NoError(t, err, sentence)
		assert.Contains(t, out, `"prod" of tenant "acme"`, sentence)
		assert.Contains(t, out, "1 tables, 3 rows", sentence)
		assert.Contains(t, out, snapshot, sentence)
		assert.NotContains(t, out, "\x1b", "what could steer a terminal is quoted")
	}
	_, err = execute(t, file, "--public-key", write(t, []byte(base64.StdEncoding.EncodeToString(public))), "--digest", snapshot)
	require.ErrorContains(t, err, "another digest")
	other, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	_, err = execute(t, file, "--public-key", write(t, []byte(base64.StdEncoding.EncodeToString(other))))
	require.ErrorIs(t, err, manifest.ErrUntrusted)
	_, err = execute(t, file, "--public-key", write(t, []byte("hello")))
	require.ErrorContains(t, err, "neither PEM nor")
	_, err = execute(t, file)
	require.ErrorContains(t, err, "at least one of the flags")
}

func TestAManifestIsVerifiedByTheKeyInVault(t *testing.T) {
	vault := vaulttest.Start(t)
	root := vault.Root(t)
	t.Setenv("VAULT_ADDR", vault.Address)
	t.Setenv("VAULT_TOKEN", vault.RootToken)
	_, err := root.Logical().Write("sys/mounts/crmkeep-transit", map[string]any{"type": "transit"})
	require.NoError(t, err)
	_, err = root.Logical().Write("crmkeep-transit/keys/crm-acme--prod.evidence", map[string]any{"type": "ed25519"})
	require.NoError(t, err)
	statement := text(t)
	signed, err := root.Logical().Write("crmkeep-transit/sign/crm-acme--prod.evidence", map[string]any{
		"input": base64.StdEncoding.EncodeToString([]byte(statement)),
	})
	require.NoError(t, err)
	signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signed.Data["signature"].(string), "vault:v1:"))
	require.NoError(t, err)
	key, err := root.Logical().Read("crmkeep-transit/keys/crm-acme--prod.evidence")
	require.NoError(t, err)
	version := key.Data["keys"].(map[string]any)["1"].(map[string]any)
	public, err := base64.StdEncoding.DecodeString(version["public_key"].(string))
	require.NoError(t, err)
	document, err := manifest.Document(evidence.Certificate{Statement: statement, Signature: signature, PublicKey: public})
	require.NoError(t, err)
	out, err := execute(t, write(t, document), "--vault-key", "crmkeep-transit/keys/crm-acme--prod.evidence")
	require.NoError(t, err)
	assert.Contains(t, out, "the signature fits")
	_, err = execute(t, write(t, document), "--vault-key", "crmkeep-transit/keys/other.evidence")
	require.ErrorContains(t, err, "there is no key at")
}
