// Package certificate keeps the pod's certificate: the key stays in the process, Vault signs, and renewal needs no restart.
package certificate

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

// ErrNone is the error of a handshake before Vault signed the first certificate.
var ErrNone = errors.New("there is no certificate yet")

// Writer sends a request to Vault and gives the data of the answer.
type Writer interface {
	Write(ctx context.Context, path string, body map[string]any) (map[string]any, error)
}

// Keeper holds the newest certificate. Renew is for one goroutine, everything else for any.
type Keeper struct {
	request config.Certificate
	key     *ecdsa.PrivateKey
	current atomic.Pointer[Issued]
}

// NewKey makes a private key on P-256, the curve that the environment's PKI role demands.
func NewKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// NewKeeper keeps certificates of key.
func NewKeeper(request config.Certificate, key *ecdsa.PrivateKey) *Keeper {
	return &Keeper{request: request, key: key}
}

// Current gives the newest certificate, nil when there is none yet.
func (k *Keeper) Current() *Issued { return k.current.Load() }

// Key gives the private key in PEM, for a program that does its own TLS.
func (k *Keeper) Key() (secret.String, error) { return encodeKey(k.key) }

// Renew has Vault sign a new certificate, which handshakes use from then on.
func (k *Keeper) Renew(ctx context.Context, vault Writer) error {
	body, err := signRequest(k.request, k.key)
	if err != nil {
		return err
	}
	answer, err := vault.Write(ctx, k.request.SignPath, body)
	if err != nil {
		return err
	}
	issued, err := parse(answer, k.key, time.Now())
	if err != nil {
		return fmt.Errorf("answer of %s: %w", k.request.SignPath, err)
	}
	k.current.Store(issued)
	return nil
}

// Server is the TLS configuration of a listener. It always presents the newest certificate.
func (k *Keeper) Server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The application behind speaks nothing else.
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return k.pair()
		},
		DynamicRecordSizingDisabled: true,
	}
}

// Client is the TLS configuration of one connection to serverName, which trusts and presents what is newest now. All environments
// of an installation share the CA, so serverName is what tells this environment's server from another's. A server whose certificate
// is of another CA is checked against roots instead; nil stands for the installation's CA.
func (k *Keeper) Client(serverName string, roots *x509.CertPool) (*tls.Config, error) {
	issued := k.Current()
	if issued == nil {
		return nil, ErrNone
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: serverName,
		RootCAs:    cmp.Or(roots, issued.roots),
		// Not Certificates: Go would keep the certificate back from a server that lists an older issuer.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return k.pair()
		},
		// Small first records help web pages; here they would cost a system call each.
		DynamicRecordSizingDisabled: true,
	}, nil
}

func (k *Keeper) pair() (*tls.Certificate, error) {
	issued := k.Current()
	if issued == nil {
		return nil, ErrNone
	}
	return &issued.pair, nil
}
