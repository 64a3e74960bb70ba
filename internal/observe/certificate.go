package observe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"time"
)

const (
	// handshakeTimeout is short: a pass must not wait for an application that does not answer.
	handshakeTimeout = 2 * time.Second
	// handshakeEvery is how often an environment is asked whose certificate is good: its pods may have been replaced.
	handshakeEvery = 10 * time.Minute
	// handshakeSoon is how often one is asked that has not answered, or whose certificate should have been renewed.
	handshakeSoon = time.Minute
)

// Certificates asks applications for the certificate that they answer with now.
type Certificates struct {
	// Authorities gives the CA certificates, PEM.
	Authorities func(ctx context.Context) ([]byte, error)
	// Dial connects to the address of a Service.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Now  func() time.Time

	mu    sync.Mutex
	asked map[string]time.Time
}

// Expires is when the certificate of a host ends, or nil when it was asked a short while ago or does not answer: the answer is for
// people to see, and nothing depends on it. Known is what was seen before; renewed is how long before its end it is renewed.
func (c *Certificates) Expires(ctx context.Context, host string, known *time.Time, renewed time.Duration) *time.Time {
	now, pause := c.Now(), handshakeSoon
	if known != nil && now.Before(known.Add(-renewed)) {
		pause = handshakeEvery
	}
	if !c.take(host, now, pause) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	pem, err := c.Authorities(ctx)
	if err != nil {
		return nil
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	raw, err := c.Dial(ctx, "tcp", net.JoinHostPort(host, "443"))
	if err != nil {
		return nil
	}
	defer raw.Close() //nolint:errcheck // nothing was written
	conn := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil
	}
	return &conn.ConnectionState().PeerCertificates[0].NotAfter
}

// take tells whether it is time to ask a host again, and notes that it was asked.
func (c *Certificates) take(host string, now time.Time, pause time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.asked[host].Add(pause)) {
		return false
	}
	if c.asked == nil {
		c.asked = make(map[string]time.Time)
	}
	c.asked[host] = now
	return true
}
