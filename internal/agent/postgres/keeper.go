package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/crmkeep/crmkeep/internal/agent/change"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Reasons why a database pod is not ready.
const (
	// ReasonServerAway: the server does not answer on its socket.
	ReasonServerAway = "ServerAway"
	// ReasonSetupPending: the server answers, but roles and database are not what they must be.
	ReasonSetupPending = "SetupPending"
)

const (
	// pollInterval is how often the server is asked whether it is there.
	pollInterval = time.Second
	// pollTimeout is how long it may take to answer.
	pollTimeout = 2 * time.Second
	// setupTimeout is how long roles, database and extensions may take.
	setupTimeout = time.Minute
)

// Keeper sees to it that the server beside the agent has its roles and its database, and uses the newest certificate.
type Keeper struct {
	want   config.Postgres
	log    *slog.Logger
	reload chan struct{}
	// last is what the last look at the server found; the error is nil when all is well.
	last   atomic.Pointer[error]
	logged change.Tracker
}

// NewKeeper makes a keeper for the server with its socket in want.SocketDir.
func NewKeeper(want config.Postgres, log *slog.Logger) (*Keeper, error) {
	if err := validWant(want); err != nil {
		return nil, err
	}
	k := &Keeper{want: want, log: log, reload: make(chan struct{}, 1)}
	asked := outcome.Wait(ReasonServerAway, 0, "the server has not been asked yet")
	k.last.Store(&asked)
	return k, nil
}

// Ready is nil when the server answers and its roles and database are there.
func (k *Keeper) Ready(context.Context) error { return *k.last.Load() }

// Reload makes the server read its certificate again.
func (k *Keeper) Reload() {
	select {
	case k.reload <- struct{}{}:
	default: // one is due already
	}
}

// Run keeps the server until ctx ends. Whenever the server was away, roles and database are gone over again.
func (k *Keeper) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := k.attend(ctx)
		if ctx.Err() != nil {
			break
		}
		k.note(err)
		wait(ctx)
	}
	return ctx.Err()
}

// attend stays with one life of the server: it returns when the connection breaks.
func (k *Keeper) attend(ctx context.Context) error {
	conn, err := connect(ctx, k.want.SocketDir, serverconfig.Superuser)
	if err != nil {
		return outcome.Wait(ReasonServerAway, 0, "the server does not answer on its socket: %s", reasonOf(err))
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // broken, or about to end with the process
	database, err := k.setup(ctx, conn)
	if err != nil {
		return outcome.Wait(ReasonSetupPending, 0, "roles and database: %v", err)
	}
	k.note(nil)
	// A certificate may have been renewed while the server was away or started with the one before.
	k.Reload()
	return k.watch(ctx, conn, database)
}

// watch asks the server whether it is there until it is not, or until a restore has put another database into the place of the one
// that was set up.
func (k *Keeper) watch(ctx context.Context, conn *pgx.Conn, database uint32) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.reload:
			err = reloadConfig(ctx, conn)
		case <-ticker.C:
			database, err = k.look(ctx, conn, database)
		}
		if err != nil {
			return err
		}
	}
}

func reloadConfig(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	if _, err := conn.Exec(ctx, "select pg_reload_conf()"); err != nil {
		return serverEnded(err)
	}
	return nil
}

// look asks which database has the name. Another one than before is set up, without being unready meanwhile: clients use it already.
func (k *Keeper) look(ctx context.Context, conn *pgx.Conn, before uint32) (uint32, error) {
	limited, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	now, err := oidOf(limited, conn, k.want.Database)
	if err != nil {
		return 0, serverEnded(err)
	}
	if now == before {
		return before, nil
	}
	k.log.Info("The database was replaced by another, which is set up", "database", k.want.Database)
	if now, err = k.setup(ctx, conn); err != nil {
		return 0, outcome.Wait(ReasonSetupPending, 0, "roles and database: %v", err)
	}
	return now, nil
}

func serverEnded(err error) error {
	return outcome.Wait(ReasonServerAway, 0, "the server ended the connection: %s", reasonOf(err))
}

func (k *Keeper) note(err error) {
	k.last.Store(&err)
	switch {
	case err == nil && k.logged.To("ready"):
		k.log.Info("The database server is ready", "database", k.want.Database)
	case err != nil && k.logged.To(err.Error()):
		k.log.Info("Waiting for the database server", "error", err)
	}
}

// reasonOf is the innermost error: pgx repeats the socket and the user at each level.
func reasonOf(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

func wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(pollInterval):
	}
}
