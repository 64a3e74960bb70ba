package agent_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent"
	"github.com/crmkeep/crmkeep/internal/agent/certificate"
	"github.com/crmkeep/crmkeep/internal/agent/config"
)

func TestAServerWithACertificateOfItsOwnCAIsReachedWithThatCAOnly(t *testing.T) {
	d := startDatabase(t, 3600)
	ownCA := d.handOver(t)
	awaitConnection := func(t *testing.T, name string) {
		t.Helper()
		address := d.client(t, "acme", "prod", "web", 3600).DatabaseAddress
		require.Eventually(t, func() bool { _, err := connect(t, address, "crm"); return err == nil }, eventually, poll, name)
	}
	refused := func(t *testing.T) {
		t.Helper()
		_, err := connect(t, d.client(t, "acme", "prod", "web", 3600).DatabaseAddress, "crm")
		assert.ErrorContains(t, err, "is not that of the environment's database")
	}

	d.caBundle = ownCA
	awaitConnection(t, "the server's CA is trusted, and the server takes the installation's certificates")
	d.caBundle = ""
	refused(t)
	d.caBundle, _, _ = newAuthority(t)
	refused(t)
}

func TestACABundleReplacesTheInstallationsCA(t *testing.T) {
	d := startDatabase(t, 3600)
	d.caBundle, _, _ = newAuthority(t)
	_, err := connect(t, d.client(t, "acme", "prod", "web", 3600).DatabaseAddress, "crm")
	assert.ErrorContains(t, err, "is not that of the environment's database")
}

func TestAnAgentDoesNotStartWithACABundleThatItCannotRead(t *testing.T) {
	cfg := &config.Config{
		Vault:    config.Vault{Address: "https://vault.example:8200"},
		Database: &config.Database{Address: "db.example:5432", ServerName: "db.example", CABundle: "nothing"},
	}
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), config.FileName)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	err = agent.Run(t.Context(), agent.Options{ConfigFile: file, FilesDir: t.TempDir()}, slog.New(slog.DiscardHandler))
	assert.ErrorContains(t, err, "database.caBundle: holds no certificate")
}

// handOver gives the server to somebody else, who has a CA for servers: crmkeep's agent is gone, and the certificate is not of the
// installation any more. It returns that CA.
func (d *databasePod) handOver(t *testing.T) (ca string) {
	t.Helper()
	require.ErrorIs(t, d.agent.stop(), context.Canceled)
	d.server.Stop(t)
	ca, chain, key := newAuthority(t)
	for name, text := range map[string]string{config.CertFile: chain, config.KeyFile: key} {
		path := filepath.Join(d.files, name)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	d.server.Start(t)
	return ca
}

// newAuthority makes a CA that has signed a certificate for the database's host.
func newAuthority(t *testing.T) (ca, leaf, key string) {
	t.Helper()
	authorityKey, err := certificate.NewKey()
	require.NoError(t, err)
	leafKey, err := certificate.NewKey()
	require.NoError(t, err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA of somebody's databases"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{databaseHost}, NotAfter: authority.NotAfter}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	require.NoError(t, err)
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, &leafKey.PublicKey, authorityKey)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	require.NoError(t, err)
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("CERTIFICATE", authorityDER), encode("CERTIFICATE", serverDER), encode("PRIVATE KEY", keyDER)
}
