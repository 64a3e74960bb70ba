package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/config"
)

func authority(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestABundleMayHaveSeveralCertificatesAndWordsBetweenThem(t *testing.T) {
	pool, err := config.ParseCABundle("# the old CA\n" + authority(t) + "\n# the new CA\n" + authority(t))
	require.NoError(t, err)
	assert.Len(t, pool.Subjects(), 2) //nolint:staticcheck // of a pool without the system's roots this is right
}

func TestABundleThatCannotBeReadWholeIsRefusedWithoutQuotingIt(t *testing.T) {
	good := authority(t)
	block := func(kind string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("hunter2")}))
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                        {"", "holds no certificate"},
		"no PEM":                         {"hunter2", "holds no certificate"},
		"a private key":                  {good + block("PRIVATE KEY"), "block 2 is not a certificate"},
		"a certificate of nothing":       {good + block("CERTIFICATE"), "block 2 is not a certificate that can be read"},
		"a certificate cut short":        {good + good[:len(good)/2], "holds a block that is not PEM"},
		"a cut one before a certificate": {good[:len(good)/2] + "\n" + good, "holds a block that is not PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.ParseCABundle(c.text)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.False(t, strings.Contains(err.Error(), "BEGIN"))
		})
	}
}
