package proxy

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"

	"github.com/crmkeep/crmkeep/internal/agent/change"
)

// Inbound takes TLS connections and passes their bytes to the application.
type Inbound struct {
	// TLS has the pod's certificate.
	TLS *tls.Config
	// Forward is the application's address on localhost, "127.0.0.1:8000".
	Forward string
	// Relay carries the connections.
	Relay *Relay
	Log   *slog.Logger

	application change.Tracker
}

// Handle serves one connection.
func (p *Inbound) Handle(ctx context.Context, conn net.Conn) {
	peer := tls.Server(&transport{conn}, p.TLS)
	if err := handshake(ctx, peer); err != nil {
		p.Log.Debug("TLS handshake failed", "peer", conn.RemoteAddr().String(), "error", err)
		return
	}
	application, err := dial(ctx, p.Forward)
	if err != nil {
		if p.application.To("away") {
			p.Log.Warn("The application does not take connections", "address", p.Forward, "error", err)
		}
		// With the close of TLS the peer can tell this from a broken network.
		peer.Close() //nolint:errcheck // the peer sees the end either way
		return
	}
	if p.application.To("") {
		p.Log.Info("The application takes connections again", "address", p.Forward)
	}
	if err := p.Relay.pass(ctx, application, peer); err != nil {
		p.Log.Debug("A connection broke", "error", err)
	}
}

func handshake(ctx context.Context, conn *tls.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	return conn.HandshakeContext(ctx)
}
