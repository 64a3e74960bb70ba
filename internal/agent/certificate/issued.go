package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/config"
)

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY"
)

// Issued is a certificate with everything that is needed to present it and to check those of peers.
type Issued struct {
	Leaf *x509.Certificate
	// ChainPEM is the leaf and the intermediates, as a server presents them.
	ChainPEM []byte
	// CAPEM is what peers' certificates are checked against, up to the root: OpenSSL accepts no intermediate as an end.
	CAPEM []byte
	// RenewAt is when the next certificate is due: around two thirds of the life of this one, spread so that pods that started
	// together do not come to Vault together.
	RenewAt time.Time

	pair  tls.Certificate
	roots *x509.CertPool
}

// Expired reports whether peers refuse the certificate by now.
func (i *Issued) Expired(now time.Time) bool { return now.After(i.Leaf.NotAfter) }

// signRequest is the body for pki/sign. No address is asked for: names identify, addresses get reused.
func signRequest(request config.Certificate, key *ecdsa.PrivateKey) (map[string]any, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: request.CommonName},
		DNSNames: request.DNSNames,
	}, key)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"csr":         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
		"common_name": request.CommonName,
		"alt_names":   strings.Join(request.DNSNames, ","),
		"ttl":         fmt.Sprintf("%ds", request.TTLSeconds),
	}, nil
}

// parse reads the answer of pki/sign and makes sure that the certificate is for key and holds against the CA beside it.
func parse(answer map[string]any, key *ecdsa.PrivateKey, now time.Time) (*Issued, error) {
	leaf, err := certificates(answer["certificate"])
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	authorities, err := certificates(append([]any{answer["issuing_ca"]}, list(answer["ca_chain"])...)...)
	if err != nil {
		return nil, fmt.Errorf("issuing_ca: %w", err)
	}
	issued := &Issued{Leaf: leaf[0], roots: x509.NewCertPool(), RenewAt: renewAt(now, leaf[0].NotAfter)}
	issued.pair = tls.Certificate{Certificate: [][]byte{leaf[0].Raw}, PrivateKey: key, Leaf: leaf[0]}
	for _, authority := range authorities {
		issued.roots.AddCert(authority)
		issued.CAPEM = append(issued.CAPEM, encode(certificateBlock, authority.Raw)...)
		if !bytes.Equal(authority.RawIssuer, authority.RawSubject) {
			issued.pair.Certificate = append(issued.pair.Certificate, authority.Raw)
		}
	}
	for _, der := range issued.pair.Certificate {
		issued.ChainPEM = append(issued.ChainPEM, encode(certificateBlock, der)...)
	}
	return issued, issued.check(key, now)
}

func renewAt(now, end time.Time) time.Time {
	// Without the monotonic clock, which stands still while the machine is suspended.
	now = now.Round(0)
	share := 0.62 + 0.08*mathrand.Float64() //nolint:gosec // spreads load, guards nothing
	return now.Add(time.Duration(share * float64(end.Sub(now))))
}

func (i *Issued) check(key *ecdsa.PrivateKey, now time.Time) error {
	if !key.PublicKey.Equal(i.Leaf.PublicKey) {
		return errors.New("certificate is for another key")
	}
	_, err := i.Leaf.Verify(x509.VerifyOptions{
		Roots: i.roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}

// certificates reads PEM texts and drops repeats: issuing_ca is also the first of ca_chain.
func certificates(texts ...any) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	seen := map[string]bool{}
	for _, text := range texts {
		text, _ := text.(string)
		for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
			parsed, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			if !seen[string(parsed.Raw)] {
				seen[string(parsed.Raw)] = true
				all = append(all, parsed)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no certificate in it")
	}
	return all, nil
}

func list(value any) []any {
	values, _ := value.([]any)
	return values
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
