package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/change"
)

// answerTimeout is how long the server may take for its first answer: as long as it gives a client to authenticate.
const answerTimeout = time.Minute

// Database takes the application's plain Postgres connections on localhost and carries them over mutual TLS.
type Database struct {
	// Address of the server, host:port.
	Address string
	// TLS gives the configuration of one connection: the newest certificate, and the server's name to verify.
	TLS func() (*tls.Config, error)
	// Relay carries the connections.
	Relay *Relay
	Log   *slog.Logger

	server change.Tracker
}

// Handle serves one connection.
func (p *Database) Handle(ctx context.Context, client net.Conn) {
	first, err := p.start(client)
	if err != nil {
		p.Log.Debug("No start-up message", "error", err)
		return
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	server, err := p.connect(ctx)
	if err == nil {
		err = greet(client, server, first)
	}
	if err != nil {
		if p.server.To(kind(err)) {
			p.Log.Warn("The database cannot be reached", "address", p.Address, "error", err)
		}
		if !first.cancel {
			client.Write(p.apology(err)) //nolint:errcheck // the client sees the end either way
		}
		return
	}
	if p.server.To("") {
		p.Log.Info("The database is reached again", "address", p.Address)
	}
	if err := p.Relay.pass(ctx, client, server); err != nil {
		p.Log.Debug("A connection broke", "error", err)
	}
}

func (p *Database) start(client net.Conn) (startup, error) {
	if err := client.SetDeadline(time.Now().Add(setupTimeout)); err != nil {
		return startup{}, err
	}
	first, err := readStartup(client)
	if err != nil {
		return startup{}, err
	}
	return first, client.SetDeadline(time.Time{})
}

// connect gives a connection to the server that is closed when ctx ends.
func (p *Database) connect(ctx context.Context) (*tls.Conn, error) {
	settings, err := p.TLS()
	if err != nil {
		return nil, err
	}
	conn, err := dial(ctx, p.Address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() }) //nolint:errcheck // it may be closed already
	return secure(ctx, conn, settings)
}

// greet passes the first message to the server and the start of its answer back. Only the answer shows that the server took the
// certificate: TLS 1.3 lets a client believe so before.
func greet(client, server net.Conn, first startup) error {
	if _, err := server.Write(first.message); err != nil || first.cancel {
		return err
	}
	if err := server.SetReadDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	buffer := make([]byte, bufferSize)
	n, err := server.Read(buffer)
	if err != nil {
		return fmt.Errorf("answer to the start-up message: %w", err)
	}
	if err := server.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	// A client that is gone is no fault of the server; the relay finds out.
	client.Write(buffer[:n]) //nolint:errcheck // as said
	return nil
}

// secure starts TLS the way Postgres has it: the client asks in plain text and the server answers with one byte.
func secure(ctx context.Context, conn *net.TCPConn, settings *tls.Config) (*tls.Conn, error) {
	if err := conn.SetDeadline(time.Now().Add(setupTimeout)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(tlsRequest()); err != nil {
		return nil, err
	}
	// No more than this byte may be read in plain text: what follows it could be anybody's.
	var answer [1]byte
	if _, err := conn.Read(answer[:]); err != nil {
		return nil, fmt.Errorf("answer to the request for TLS: %w", err)
	}
	if answer[0] != 'S' {
		return nil, errors.New("the server does not offer TLS")
	}
	secured := tls.Client(&transport{conn}, settings)
	if err := handshake(ctx, secured); err != nil {
		return nil, err
	}
	return secured, conn.SetDeadline(time.Time{})
}

// apology words a failure to connect for the application. A server that is starting is worth another try at once, as drivers know.
func (p *Database) apology(err error) []byte {
	switch {
	case is[*tls.CertificateVerificationError](err):
		return fatal(connectionFailure, "crmkeep agent: the certificate of "+p.Address+" is not that of the environment's database")
	case alerted(err):
		return fatal(connectionFailure, "crmkeep agent: the database at "+p.Address+" refused this pod's certificate")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fatal(cannotConnectNow, "crmkeep agent: the database at "+p.Address+" does not take connections yet")
	}
	return fatal(connectionFailure, "crmkeep agent: the database at "+p.Address+" cannot be reached")
}

// alerted reports whether the server ended TLS with an alert, as it does when it does not accept the client's certificate.
func alerted(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "remote error"
}

// kind is err without what differs from connection to connection, as the local port does.
func kind(err error) string {
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		return operation.Op + ": " + operation.Err.Error()
	}
	return err.Error()
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
