package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
)

func TestMain(m *testing.M) { agenttest.Main(m) }

const forbidden = "SQLSTATE 42501"

func refused(t *testing.T, conn *pgx.Conn, want string, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		_, err := conn.Exec(t.Context(), sql)
		assert.ErrorContains(t, err, want, sql)
	}
}

func TestRolesHaveTheRightsOfTheirWorkAndNoOthers(t *testing.T) {
	database := agenttest.StartDatabase(t, agenttest.NewAuthority(t))
	t.Run("a backup reads everything and changes nothing", func(t *testing.T) { backupReads(t, database) })
	t.Run("a restore acts as the owner and as nobody else", func(t *testing.T) { restoreActs(t, database) })
	t.Run("a database that a restore has put into place is set up", func(t *testing.T) { replacedIsSetUp(t, database) })
}

func backupReads(t *testing.T, database *agenttest.Database) {
	database.Execute(t,
		"create schema sales", "create table sales.contact (name text)", "insert into sales.contact values ('a')", "create sequence counter",
		"alter table sales.contact enable row level security", "alter table sales.contact force row level security",
		"select lo_from_bytea(4711, 'letter')")
	backup, err := database.Connect(t, "backup", "crm_backup", "crm")
	require.NoError(t, err)

	var name string
	require.NoError(t, backup.QueryRow(t.Context(), "select name from sales.contact").Scan(&name), "rows should not be hidden by a policy")
	require.NoError(t, backup.QueryRow(t.Context(), "select lo_get(4711)::text").Scan(&name))

	refused(t, backup, "SQLSTATE 25006", "create table t ()", "insert into sales.contact values ('b')")
	_, err = backup.Exec(t.Context(), "set default_transaction_read_only = off")
	require.NoError(t, err, "what a role sets for itself it can also unset; its rights must do without it")
	refused(t, backup, forbidden,
		"insert into sales.contact values ('b')", "delete from sales.contact", "truncate sales.contact", "select nextval('counter')",
		"create table t ()", "create temp table t ()", "create schema s", "create database d", "create role r", "set role crm",
		"select lo_put(4711, 0, 'x')", "select lo_unlink(4711)", "select lo_create(4712)", "select lo_creat(-1)", "select lo_from_bytea(0, 'x')",
		"select lowrite(lo_open(4711, 131072), 'x')", "select lo_truncate(lo_open(4711, 131072), 0)", "select lo_import('/etc/passwd')",
		"select pg_read_file('/etc/passwd')", "copy sales.contact to program 'id'", "alter role crm_backup superuser",
		"alter table sales.contact disable row level security")
	_, err = database.Connect(t, "backup", "crm_backup", "postgres")
	assert.Error(t, err, "there is one database for it")
}

func restoreActs(t *testing.T, database *agenttest.Database) {
	restore, err := database.Connect(t, "restore", "crm_restore", "postgres")
	require.NoError(t, err)
	for _, sql := range []string{"create database other owner crm", "alter database other rename to another", "drop database another", "set role crm", "reset role"} {
		_, err := restore.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	refused(t, restore, forbidden,
		"set role postgres", "set role crm_backup", "create role r", "alter role crm_restore superuser", "alter role crm superuser",
		"grant pg_read_server_files to crm_restore", "select pg_read_file('/etc/passwd')", "copy (select 1) to program 'id'",
		"alter database postgres rename to x", "create table t ()",
		"select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'")
	_, err = database.Connect(t, "restore", "crm_restore", "template1")
	assert.Error(t, err)
	_, err = database.Connect(t, "web", "crm_restore", "crm")
	assert.Error(t, err, "the role is for the restore's certificate only")
	_, err = database.Connect(t, "web", "crm", "postgres")
	assert.Error(t, err, "the owner has one database")
}

func replacedIsSetUp(t *testing.T, database *agenttest.Database) {
	superuser := database.Socket(t, "postgres")
	// As a restore does, from an empty template.
	for _, sql := range []string{"alter database crm rename to old", "create database crm owner crm template template0"} {
		require.Eventually(t, func() bool { _, err := superuser.Exec(t.Context(), sql); return err == nil }, 10*time.Second, 50*time.Millisecond, sql)
	}
	require.Eventually(t, func() bool {
		conn, err := database.Connect(t, "backup", "crm_backup", "crm")
		if err != nil {
			return false
		}
		defer conn.Close(context.Background()) //nolint:errcheck // nothing is pending on it
		_, err = conn.Exec(t.Context(), "select similarity('a', 'b')")
		return err == nil
	}, 10*time.Second, 100*time.Millisecond, "the extension should be there and the backup be let in")
}
