package certificate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/certificate"
	"github.com/crmkeep/crmkeep/internal/agent/config"
)

// signer is a PKI engine with an intermediate below a root.
type signer struct {
	t                  *testing.T
	root, intermediate *x509.Certificate
	key                *ecdsa.PrivateKey
	life               time.Duration
	// other, when set, is whose public key it certifies instead of the request's.
	other *ecdsa.PrivateKey
	asked map[string]any
}

func newSigner(t *testing.T, life time.Duration) *signer {
	t.Helper()
	s := &signer{t: t, life: life}
	rootKey := newKey(t)
	s.key = newKey(t)
	authority := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign}
	authority.Subject.CommonName = "root"
	s.root = s.issue(authority, authority, &rootKey.PublicKey, rootKey)
	authority.Subject.CommonName = "intermediate"
	s.intermediate = s.issue(authority, s.root, &s.key.PublicKey, rootKey)
	return s
}

func (s *signer) issue(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	template.SerialNumber, template.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-30*time.Second)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	require.NoError(s.t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(s.t, err)
	return parsed
}

func (s *signer) Write(_ context.Context, _ string, body map[string]any) (map[string]any, error) {
	s.asked = body
	block, _ := pem.Decode([]byte(body["csr"].(string)))
	request, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(s.t, err)
	require.NoError(s.t, request.CheckSignature())
	assert.Empty(s.t, request.IPAddresses)
	public := request.PublicKey.(*ecdsa.PublicKey)
	if s.other != nil {
		public = &s.other.PublicKey
	}
	leaf := s.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: request.Subject.CommonName}, DNSNames: request.DNSNames, NotAfter: time.Now().Add(s.life),
	}, s.intermediate, public, s.key)
	return map[string]any{"certificate": text(leaf), "issuing_ca": text(s.intermediate), "ca_chain": []any{text(s.intermediate), text(s.root)}}, nil
}

func text(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := certificate.NewKey()
	require.NoError(t, err)
	return key
}

var request = config.Certificate{SignPath: "pki/sign/x", CommonName: "acme.prod.web.k", DNSNames: []string{"web.crm-acme--prod.svc"}, TTLSeconds: 3600}

func TestACertificateCarriesTheChainAndIsRenewedAroundTwoThirdsOfItsLife(t *testing.T) {
	vault := newSigner(t, time.Hour)
	keeper := certificate.NewKeeper(request, newKey(t))
	_, err := keeper.Client("database", nil)
	require.ErrorIs(t, err, certificate.ErrNone)
	require.NoError(t, keeper.Renew(t.Context(), vault))

	issued := keeper.Current()
	assert.Equal(t, text(issued.Leaf)+text(vault.intermediate), string(issued.ChainPEM), "what a server presents")
	assert.Equal(t, text(vault.intermediate)+text(vault.root), string(issued.CAPEM), "what peers are checked against")
	assert.Equal(t, "3600s", vault.asked["ttl"])
	assert.Equal(t, "web.crm-acme--prod.svc", vault.asked["alt_names"])
	assert.WithinRange(t, issued.RenewAt, time.Now().Add(36*time.Minute), time.Now().Add(43*time.Minute))
	assert.False(t, issued.Expired(time.Now()))
	assert.True(t, issued.Expired(time.Now().Add(2*time.Hour)))
}

func TestACertificateThatCannotBeUsedLeavesTheOneBefore(t *testing.T) {
	vault := newSigner(t, time.Hour)
	keeper := certificate.NewKeeper(request, newKey(t))
	require.NoError(t, keeper.Renew(t.Context(), vault))
	before := keeper.Current()

	vault.other = newKey(t)
	require.ErrorContains(t, keeper.Renew(t.Context(), vault), "another key")
	vault.other, vault.life = nil, -time.Minute
	require.ErrorContains(t, keeper.Renew(t.Context(), vault), "expired")
	assert.Same(t, before, keeper.Current())
}

func TestAKeySurvivesItsEncodingAndNothingElseIsTakenForOne(t *testing.T) {
	key := newKey(t)
	encoded, err := certificate.NewKeeper(request, key).Key()
	require.NoError(t, err)
	decoded, err := certificate.DecodeKey([]byte(encoded.Reveal()))
	require.NoError(t, err)
	assert.True(t, key.Equal(decoded))

	for _, bad := range []string{"", "no PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		_, err := certificate.DecodeKey([]byte(bad))
		assert.Error(t, err)
	}
}
