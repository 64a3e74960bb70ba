package postgres

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
)

// plainRole is all that a role of a component is: it may connect. NULL takes a password away that somebody set.
const plainRole = " LOGIN INHERIT NOSUPERUSER NOCREATEROLE NOREPLICATION PASSWORD NULL"

// What roles are beyond that. A backup with rows left out by a policy of the application's would be no backup.
const (
	ownerRole   = plainRole + " NOCREATEDB NOBYPASSRLS"
	readerRole  = plainRole + " NOCREATEDB BYPASSRLS"
	restoreRole = plainRole + " CREATEDB BYPASSRLS"
)

var extensionName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

func validWant(want config.Postgres) error {
	if err := serverconfig.ValidName("database", want.Database); err != nil {
		return err
	}
	for _, role := range slices.Concat([]string{want.Owner}, want.Readers, want.Restorers) {
		if err := serverconfig.ValidName("role", role); err != nil {
			return err
		}
	}
	for _, name := range want.Extensions {
		if !extensionName.MatchString(name) {
			return fmt.Errorf("extension %q: not the name of an extension", name)
		}
	}
	return nil
}

func connect(ctx context.Context, socketDir, database string) (*pgx.Conn, error) {
	// ParseConfig also looks at the environment; everything that it could decide is set below.
	settings, err := pgx.ParseConfig("")
	if err != nil {
		return nil, err
	}
	settings.Host, settings.Port = socketDir, 5432
	settings.User, settings.Password, settings.Database = serverconfig.Superuser, "", database
	settings.TLSConfig, settings.Fallbacks = nil, nil
	settings.RuntimeParams = map[string]string{"application_name": "crmkeep-agent"}
	settings.ConnectTimeout = pollTimeout
	settings.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return pgx.ConnectConfig(ctx, settings)
}

// setup brings roles, database and extensions to what they must be, and tells which database it is. Everything in it can be repeated.
func (k *Keeper) setup(ctx context.Context, conn *pgx.Conn) (database uint32, err error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	if err := ensureRoles(ctx, conn, k.want); err != nil {
		return 0, err
	}
	if err := ensureDatabase(ctx, conn, k.want.Database, k.want.Owner); err != nil {
		return 0, fmt.Errorf("database %q: %w", k.want.Database, err)
	}
	if err := executeAll(ctx, conn, grants(k.want)); err != nil {
		return 0, err
	}
	if database, err = oidOf(ctx, conn, k.want.Database); err != nil {
		return 0, err
	}
	return database, k.setupInside(ctx)
}

func ensureRoles(ctx context.Context, conn *pgx.Conn, want config.Postgres) error {
	attributes := map[string]string{want.Owner: ownerRole}
	for _, role := range want.Readers {
		attributes[role] = readerRole
	}
	for _, role := range want.Restorers {
		attributes[role] = restoreRole
	}
	for _, role := range slices.Sorted(maps.Keys(attributes)) {
		if err := ensureRole(ctx, conn, role, attributes[role]); err != nil {
			return fmt.Errorf("role %q: %w", role, err)
		}
	}
	return nil
}

func ensureRole(ctx context.Context, conn *pgx.Conn, role, attributes string) error {
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", role).Scan(&exists); err != nil {
		return err
	}
	verb := "CREATE"
	if exists {
		verb = "ALTER"
	}
	_, err := conn.Exec(ctx, verb+" ROLE "+quote(role)+attributes)
	return err
}

// oidOf a database, 0 when there is none of that name.
func oidOf(ctx context.Context, conn *pgx.Conn, database string) (oid uint32, err error) {
	err = conn.QueryRow(ctx, "select coalesce((select oid from pg_database where datname = $1), 0)", database).Scan(&oid)
	return oid, err
}

func executeAll(ctx context.Context, conn *pgx.Conn, statements []string) error {
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

func ensureDatabase(ctx context.Context, conn *pgx.Conn, database, owner string) error {
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", database).Scan(&exists); err != nil {
		return err
	}
	sql := "CREATE DATABASE " + quote(database) + " OWNER " + quote(owner)
	if exists {
		sql = "ALTER DATABASE " + quote(database) + " OWNER TO " + quote(owner)
	}
	_, err := conn.Exec(ctx, sql)
	return err
}

// setupInside sees to what is in the database itself, and is missing from one that a restore has put into its place.
func (k *Keeper) setupInside(ctx context.Context) error {
	conn, err := connect(ctx, k.want.SocketDir, k.want.Database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is pending on it
	if err := executeAll(ctx, conn, largeObjectGrants(k.want)); err != nil {
		return err
	}
	for _, name := range k.want.Extensions {
		if _, err := conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS "+quote(name)); err != nil {
			return fmt.Errorf("extension %q: %w", name, err)
		}
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
