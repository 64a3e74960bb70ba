package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ParseCABundle reads CA certificates, PEM. What it cannot read it refuses rather than passes over, since a certificate that is
// left out shows only when a server is renewed. Its errors quote nothing of the text, which could be a key by mistake.
func ParseCABundle(text string) (*x509.CertPool, error) {
	pool, count := x509.NewCertPool(), 0
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		count++
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("block %d is not a certificate", count)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("block %d is not a certificate that can be read", count)
		}
		pool.AddCert(certificate)
	}
	switch {
	case count == 0:
		return nil, errors.New("holds no certificate in PEM")
	case count != strings.Count(text, "-----BEGIN "):
		return nil, errors.New("holds a block that is not PEM")
	}
	return pool, nil
}
