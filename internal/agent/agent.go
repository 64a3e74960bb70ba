package agent

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/crmkeep/crmkeep/internal/agent/certificate"
	"github.com/crmkeep/crmkeep/internal/agent/change"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres"
	"github.com/crmkeep/crmkeep/internal/agent/proxy"
	"github.com/crmkeep/crmkeep/internal/agent/render"
	"github.com/crmkeep/crmkeep/internal/agent/session"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Reasons of an agent that is not started.
const (
	// ReasonStarting: the first round with Vault is under way.
	ReasonStarting = "Starting"
	// ReasonCertificateExpired: Vault was away for longer than the certificate lived.
	ReasonCertificateExpired = "CertificateExpired"
)

// agent is the state that its parts share.
type agent struct {
	config   *config.Config
	log      *slog.Logger
	vault    *session.Session
	files    *render.Dir
	keeper   *certificate.Keeper
	postgres *postgres.Keeper // nil outside a database pod
	// databaseRoots are what the database's certificate is checked against; nil: the CA of the pod's own.
	databaseRoots *x509.CertPool
	relay         *proxy.Relay

	// waiting is what the first round waits for, nil once it is done.
	waiting atomic.Pointer[error]
	// provisioned is closed once the first round is done.
	provisioned chan struct{}
	logged      change.Tracker
}

// Run runs an agent until ctx ends and the connections that it carries have ended, or ten seconds after. It returns ctx's error,
// or what keeps the agent from working at all: a bad configuration, a port that is taken. That Vault is away does not end it.
func Run(ctx context.Context, options Options, log *slog.Logger) error {
	a, err := newAgent(options, log)
	if err != nil {
		return err
	}
	defer a.files.Close() //nolint:errcheck // a folder, read from no more
	listeners, err := listen(a.config, options)
	if err != nil {
		return err
	}
	defer listeners.close()
	if a.relay, err = proxy.NewRelay(); err != nil {
		return err
	}
	defer a.relay.Close() //nolint:errcheck // the process is about to end

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.serveHealth(ctx, listeners.health) })
	group.Go(func() error { return a.keep(ctx) })
	group.Go(func() error { return a.serveInbound(ctx, listeners.inbound) })
	group.Go(func() error { return a.serveDatabase(ctx, listeners.database) })
	group.Go(func() error { return a.keepPostgres(ctx) })
	return group.Wait()
}

func newAgent(options Options, log *slog.Logger) (*agent, error) {
	cfg, err := load(options.ConfigFile)
	if err != nil {
		return nil, err
	}
	a := &agent{config: cfg, log: log, provisioned: make(chan struct{})}
	a.setWaiting(outcome.Wait(ReasonStarting, 0, "the first round with Vault is under way"))
	caFile := filepath.Join(filepath.Dir(options.ConfigFile), config.VaultCAFile)
	if a.vault, err = session.New(cfg.Vault, caFile, options.TokenFile); err != nil {
		return nil, err
	}
	if cfg.Database != nil && cfg.Database.CABundle != "" {
		if a.databaseRoots, err = config.ParseCABundle(cfg.Database.CABundle); err != nil {
			return nil, fmt.Errorf("agent configuration: database.caBundle: %w", err)
		}
	}
	if cfg.Postgres != nil {
		if a.postgres, err = postgres.NewKeeper(*cfg.Postgres, log); err != nil {
			return nil, fmt.Errorf("agent configuration: %w", err)
		}
	}
	if a.files, err = render.Open(options.FilesDir); err != nil {
		return nil, err
	}
	if a.keeper, err = a.newKeeper(); err != nil {
		return nil, errors.Join(err, a.files.Close())
	}
	return a, nil
}

// newKeeper takes up the key that an agent before this one wrote into the pod's files, so that a server never finds its
// certificate beside another key.
func (a *agent) newKeeper() (*certificate.Keeper, error) {
	if a.config.Certificate.WriteFiles {
		if text, err := a.files.Read(config.KeyFile); err == nil {
			if key, err := certificate.DecodeKey(text); err == nil {
				return certificate.NewKeeper(a.config.Certificate, key), nil
			}
		}
	}
	key, err := certificate.NewKey()
	if err != nil {
		return nil, err
	}
	return certificate.NewKeeper(a.config.Certificate, key), nil
}

func (a *agent) setWaiting(err error) { a.waiting.Store(&err) }

// keepPostgres keeps the server beside the agent, if there is one. It need not wait for Vault: the server starts when its
// certificate is there, and may run on while a new agent waits for a sealed Vault.
func (a *agent) keepPostgres(ctx context.Context) error {
	if a.postgres == nil {
		return nil
	}
	return a.postgres.Run(ctx)
}
