package postgres

import (
	"context"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
)

// plainRole is all that a role of a component is: it may connect. NULL takes a password away that somebody set.
const plainRole = " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD NULL"

var extensionName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

func validWant(want config.Postgres) error {
	if err := serverconfig.ValidName("database", want.Database); err != nil {
		return err
	}
	for _, role := range append([]string{want.Owner}, want.Readers...) {
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

// setup brings roles, database and extensions to what they must be. Everything in it can be repeated.
func (k *Keeper) setup(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	for _, role := range append([]string{k.want.Owner}, k.want.Readers...) {
		if err := ensureRole(ctx, conn, role); err != nil {
			return fmt.Errorf("role %q: %w", role, err)
		}
	}
	if err := ensureDatabase(ctx, conn, k.want.Database, k.want.Owner); err != nil {
		return fmt.Errorf("database %q: %w", k.want.Database, err)
	}
	for _, sql := range grants(k.want) {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return k.ensureExtensions(ctx)
}

func ensureRole(ctx context.Context, conn *pgx.Conn, role string) error {
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", role).Scan(&exists); err != nil {
		return err
	}
	verb := "CREATE"
	if exists {
		verb = "ALTER"
	}
	_, err := conn.Exec(ctx, verb+" ROLE "+quote(role)+plainRole)
	return err
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

// grants lets the owner and the readers connect to the database, and nobody to any other.
func grants(want config.Postgres) []string {
	var all []string
	for _, database := range []string{want.Database, serverconfig.Superuser, "template0", "template1"} {
		all = append(all, "REVOKE ALL ON DATABASE "+quote(database)+" FROM PUBLIC")
	}
	for _, reader := range want.Readers {
		all = append(all,
			"GRANT CONNECT ON DATABASE "+quote(want.Database)+" TO "+quote(reader),
			"GRANT pg_read_all_data TO "+quote(reader),
		)
	}
	return all
}

func (k *Keeper) ensureExtensions(ctx context.Context) error {
	if len(k.want.Extensions) == 0 {
		return nil
	}
	conn, err := connect(ctx, k.want.SocketDir, k.want.Database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is pending on it
	for _, name := range k.want.Extensions {
		if _, err := conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS "+quote(name)); err != nil {
			return fmt.Errorf("extension %q: %w", name, err)
		}
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
