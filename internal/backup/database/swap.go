package database

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/crmkeep/crmkeep/internal/naming"
)

const (
	// swapTimeout is how long clients may take to leave. They are told to go, so only a server that is stuck takes it.
	swapTimeout = time.Minute
	// evictInterval is how often clients that are connected are told to go.
	evictInterval = 200 * time.Millisecond
	// objectInUse is Postgres' SQLSTATE for a database that somebody is connected to.
	objectInUse = "55006"
)

// ErrNothingLoaded says that there is no database to swap in.
var ErrNothingLoaded = errors.New("no database was loaded")

// Swap puts the database that Load has made into the place of the present one, in one transaction: there is no moment without a
// database, and a crash leaves the one or the other. Clients lose their connections and find the new one when they come back. The
// old one is kept, closed to everybody, until Drop or Undo. A restore that was swapped in already is left as it is.
func Swap(ctx context.Context, server Server, restore string) error {
	replaced, loaded := naming.ReplacedDatabase(server.Name, restore), naming.LoadedDatabase(server.Name)
	there, err := server.databases(ctx)
	switch {
	case err != nil:
		return err
	case slices.Contains(there, replaced):
		return nil
	case !slices.Contains(there, loaded):
		return ErrNothingLoaded
	}
	return server.exchange(ctx, []string{server.Name, loaded},
		rename(server.Name, replaced), allowConnections(replaced, false), rename(loaded, server.Name))
}

// Swapped tells whether Swap has been done for a restore, and neither Drop nor Undo since.
func Swapped(ctx context.Context, server Server, restore string) (bool, error) {
	there, err := server.databases(ctx)
	return slices.Contains(there, naming.ReplacedDatabase(server.Name, restore)), err
}

// Undo brings back the database that Swap has replaced, if it has, and removes the one that Load has made.
func Undo(ctx context.Context, server Server, restore string) error {
	// One that is being loaded would be in the way.
	if err := Discard(ctx, server); err != nil {
		return err
	}
	swapped, err := Swapped(ctx, server, restore)
	if err != nil || !swapped {
		return err
	}
	replaced, loaded := naming.ReplacedDatabase(server.Name, restore), naming.LoadedDatabase(server.Name)
	if err := server.exchange(ctx, []string{server.Name, replaced},
		rename(server.Name, loaded), rename(replaced, server.Name), allowConnections(server.Name, true)); err != nil {
		return err
	}
	return Discard(ctx, server)
}

// Drop removes the database that Swap has replaced, if there is one.
func Drop(ctx context.Context, server Server, restore string) error {
	return server.execute(ctx, maintenance, dropDatabase(naming.ReplacedDatabase(server.Name, restore)))
}

func rename(from, to string) string {
	return "ALTER DATABASE " + quote(from) + " RENAME TO " + quote(to)
}

func allowConnections(name string, allow bool) string {
	return fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %t", quote(name), allow)
}

func (s Server) databases(ctx context.Context) ([]string, error) {
	conn, err := s.connect(ctx, maintenance)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	rows, err := conn.Query(ctx, "select datname::text from pg_database")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// exchange executes statements in one transaction while clients of the databases are told to go. To rename a database locks it: who
// comes meanwhile waits, and who is there is waited for.
func (s Server) exchange(ctx context.Context, busy []string, statements ...string) error {
	ctx, cancel := context.WithTimeout(ctx, swapTimeout)
	defer cancel()
	conn, err := s.connect(ctx, maintenance)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	evicting, stop := context.WithCancel(ctx)
	evicted := make(chan error, 1)
	go func() { evicted <- s.evict(evicting, busy) }()
	err = inTransaction(ctx, conn, statements)
	for inUse(err) && ctx.Err() == nil {
		err = inTransaction(ctx, conn, statements)
	}
	stop()
	if evictError := <-evicted; err != nil {
		return errors.Join(err, evictError)
	}
	return nil
}

func inUse(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == objectInUse
}

func inTransaction(ctx context.Context, conn *pgx.Conn, statements []string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// evict ends the sessions of databases until ctx ends. Those of superusers it may not end; they are the server's own and short.
func (s Server) evict(ctx context.Context, databases []string) error {
	conn, err := s.connect(ctx, maintenance)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	ticker := time.NewTicker(evictInterval)
	defer ticker.Stop()
	for {
		_, err := conn.Exec(ctx, `select pg_terminate_backend(pid) from pg_stat_activity
			where datname = any($1) and pid <> pg_backend_pid() and usesysid in (select oid from pg_roles where not rolsuper)`, databases)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
