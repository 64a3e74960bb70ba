package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/health"
	"github.com/crmkeep/crmkeep/internal/agent/proxy"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// listeners are where the agent is reached. They are taken before anything else, so that a clash is known at once.
type listeners struct {
	health   net.Listener
	inbound  net.Listener   // nil when the pod has no such connections
	database []net.Listener // none when the pod has no such connections
}

func listen(cfg *config.Config, options Options) (*listeners, error) {
	l := &listeners{}
	if err := l.open(cfg, options); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *listeners) open(cfg *config.Config, options Options) (err error) {
	if l.health, err = net.Listen("tcp", options.HealthAddress); err != nil {
		return err
	}
	if cfg.Inbound != nil {
		if l.inbound, err = net.Listen("tcp", options.InboundAddress); err != nil {
			return err
		}
	}
	if cfg.Database == nil {
		return nil
	}
	return l.openDatabase(options)
}

func (l *listeners) openDatabase(options Options) error {
	tcp, err := net.Listen("tcp", options.DatabaseAddress)
	if err != nil {
		return err
	}
	l.database = append(l.database, tcp)
	if options.DatabaseSocketDir == "" {
		return nil
	}
	socket := filepath.Join(options.DatabaseSocketDir, config.DatabaseSocket)
	// An agent that was killed leaves its socket, which nobody listens on.
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	local, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	l.database = append(l.database, local)
	return nil
}

// close closes what is open; closing twice does no harm.
func (l *listeners) close() {
	for _, listener := range append([]net.Listener{l.health, l.inbound}, l.database...) {
		if listener != nil {
			listener.Close() //nolint:errcheck // the process is about to end
		}
	}
}

func (a *agent) serveInbound(ctx context.Context, listener net.Listener) error {
	if listener == nil || !a.awaitProvisioned(ctx) {
		return ctx.Err()
	}
	inbound := &proxy.Inbound{TLS: a.keeper.Server(), Forward: a.config.Inbound.Forward, Relay: a.relay, Log: a.log}
	return proxy.Serve(ctx, a.log, listener, inbound.Handle)
}

func (a *agent) serveDatabase(ctx context.Context, listeners []net.Listener) error {
	if len(listeners) == 0 || !a.awaitProvisioned(ctx) {
		return ctx.Err()
	}
	database := &proxy.Database{
		Address: a.config.Database.Address,
		TLS:     func() (*tls.Config, error) { return a.keeper.Client(a.config.Database.ServerName, a.databaseRoots) },
		Relay:   a.relay,
		Log:     a.log,
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, listener := range listeners {
		group.Go(func() error { return proxy.Serve(ctx, a.log, listener, database.Handle) })
	}
	return group.Wait()
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
