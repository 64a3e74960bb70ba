package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/health"
	"github.com/crmkeep/crmkeep/internal/agent/proxy"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// listeners are the agent's ports. They are taken before anything else, so that a clash is known at once.
type listeners struct {
	health            net.Listener
	inbound, database *net.TCPListener // nil when the pod has no such connections
}

func listen(cfg *config.Config, options Options) (*listeners, error) {
	l := &listeners{}
	var err error
	if l.health, err = net.Listen("tcp", options.HealthAddress); err != nil {
		return nil, err
	}
	if cfg.Inbound != nil {
		if l.inbound, err = listenTCP(options.InboundAddress); err != nil {
			l.close()
			return nil, err
		}
	}
	if cfg.Database != nil {
		if l.database, err = listenTCP(options.DatabaseAddress); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func listenTCP(address string) (*net.TCPListener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	tcp, ok := listener.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s is not a TCP address", address), listener.Close())
	}
	return tcp, nil
}

// close closes what is open; closing twice does no harm.
func (l *listeners) close() {
	l.health.Close() //nolint:errcheck // the process is about to end
	for _, listener := range []*net.TCPListener{l.inbound, l.database} {
		if listener != nil {
			listener.Close() //nolint:errcheck // as above
		}
	}
}

func (a *agent) serveInbound(ctx context.Context, listener *net.TCPListener) error {
	if listener == nil || !a.awaitProvisioned(ctx) {
		return ctx.Err()
	}
	inbound := &proxy.Inbound{TLS: a.keeper.Server(), Forward: a.config.Inbound.Forward, Log: a.log}
	return proxy.Serve(ctx, a.log, listener, inbound.Handle)
}

func (a *agent) serveDatabase(ctx context.Context, listener *net.TCPListener) error {
	if listener == nil || !a.awaitProvisioned(ctx) {
		return ctx.Err()
	}
	database := &proxy.Database{
		Address: a.config.Database.Address,
		TLS:     func() (*tls.Config, error) { return a.keeper.Client(a.config.Database.ServerName, a.databaseRoots) },
		Log:     a.log,
	}
	return proxy.Serve(ctx, a.log, listener, database.Handle)
}

func (a *agent) awaitProvisioned(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-a.provisioned:
		return true
	}
}

func (a *agent) serveHealth(ctx context.Context, listener net.Listener) error {
	return health.Serve(ctx, a.log, listener, a.started, a.readiness(), a.liveness())
}

// started is nil once everything was rendered, while the certificate is good.
func (a *agent) started(context.Context) error {
	if err := *a.waiting.Load(); err != nil {
		return err
	}
	if issued := a.keeper.Current(); issued.Expired(time.Now()) {
		return outcome.Wait(ReasonCertificateExpired, 0, "the certificate expired at %s", issued.Leaf.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// readiness is the server's own in a database pod, since it serves on while a new agent waits for Vault. Elsewhere connections
// need the agent as well as the application.
func (a *agent) readiness() health.Check {
	switch {
	case a.postgres != nil:
		return a.postgres.Ready
	case a.config.Readiness != nil:
		return both(a.started, health.HTTP(*a.config.Readiness))
	case a.config.Inbound != nil:
		return both(a.started, health.TCP(a.config.Inbound.Forward))
	}
	return a.started
}

func both(first, second health.Check) health.Check {
	return func(ctx context.Context) error {
		if err := first(ctx); err != nil {
			return err
		}
		return second(ctx)
	}
}

func (a *agent) liveness() health.Check {
	if a.config.Liveness != nil {
		return health.HTTP(*a.config.Liveness)
	}
	return func(context.Context) error { return nil }
}
