package database_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/database"
)

func TestMain(m *testing.M) {
	// Postgres' programs are in the image's path; here they are where Debian puts them.
	_ = os.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+filepath.Dir(agenttest.Program("psql")))
	agenttest.Main(m)
}

const restrictKey = "abcdefghijklmnopqrstuvwxyz0123456789"

// crm is a database with one of everything that a dump must carry.
var crm = []string{
	"create schema sales",
	`create table sales."Order; Line" (id bigint generated always as identity primary key, "a ""b""" text, double int generated always as (length("a ""b""") * 2) stored)`,
	`insert into sales."Order; Line" ("a ""b""") select repeat(E'x\\.\n\\.\n', i % 5) from generate_series(1, 1000) i`,
	"create table contact (id serial primary key, name text not null, mail text unique)",
	`insert into contact (name, mail) select 'Li ' || i, i || '@acme.example' from generate_series(1, 5000) i`,
	`insert into contact (name) values (E'\\.'), (E'\\restrict x\n\\.\n'), ('COPY public.contact (id) FROM stdin;')`,
	"create index on contact using gin (name gin_trgm_ops)",
	"create table nothing ()", "insert into nothing default values", "create table empty (id int)",
	"create unlogged table session (id int)", "insert into session values (1)",
	"create table event (at date not null, what text) partition by range (at)",
	"create table event_2026 partition of event for values from ('2026-01-01') to ('2027-01-01')",
	"insert into event values ('2026-06-01', 'call'), ('2026-06-02', null)",
	"alter table contact enable row level security", "alter table contact force row level security",
	"create function f() returns text language sql as $$\nselect 'COPY public.fake (id) FROM stdin;\n'\n$$",
	"create function g() returns int language sql begin atomic select 1; select 2; end",
	"create view names as select name from contact",
	"create materialized view counted as select count(*) from event",
	"select lo_from_bytea(4711, convert_to(repeat('letter', 10000), 'UTF8'))", "select lo_create(4712)",
	"select setval('contact_id_seq', 9000)",
	"alter database crm set statement_timeout = '7min'", "alter database crm set search_path = \"$user\", public, sales",
}

func server(t *testing.T, d *agenttest.Database, component, role string) database.Server {
	return database.Server{
		Address: d.Address, ServerName: agenttest.DatabaseHost, Name: agenttest.DatabaseName, User: role, Owner: agenttest.DatabaseName,
		CertDir: d.CertDir(t, component),
	}
}

func rowsOf(content database.Content) map[string]int64 {
	rows := map[string]int64{}
	for _, table := range content.Tables {
		rows[table.Name] = table.Rows
	}
	return rows
}

func TestADatabaseIsDumpedLoadedAndSwapped(t *testing.T) {
	d := agenttest.StartDatabase(t, agenttest.NewAuthority(t))
	d.Execute(t, crm...)
	backup, restore := server(t, d, "backup", "crm_backup"), server(t, d, "restore", "crm_restore")
	var dump bytes.Buffer
	content, err := database.Dump(t.Context(), backup, restrictKey, &dump)
	require.NoError(t, err)

	t.Run("a dump tells what is in it", func(t *testing.T) {
		assert.Equal(t, map[string]int64{
			`sales."Order; Line"`: 1000, "public.contact": 5003, "public.nothing": 1, "public.empty": 0, "public.session": 1,
			"public.event_2026": 2, database.LargeObjects: 2, database.Sequences: 2,
		}, rowsOf(content))
		assert.Equal(t, int64(dump.Len()), content.Bytes)
		assert.Contains(t, content.ServerVersion, "15.")
		assert.Greater(t, content.DatabaseBytes, int64(5<<20))
	})
	t.Run("the same data gives the same bytes", func(t *testing.T) {
		var again bytes.Buffer
		_, err := database.Dump(t.Context(), backup, restrictKey, &again)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(dump.Bytes(), again.Bytes()))
	})
	t.Run("a writer that fails ends the dump", func(t *testing.T) {
		full := errors.New("no space left")
		_, err := database.Dump(t.Context(), backup, restrictKey, failing{full})
		assert.ErrorIs(t, err, full)
	})
	t.Run("a dump without a restrict key, or cut, is not loaded", func(t *testing.T) {
		for _, other := range []string{"", "select 1;", "\n" + dump.String(), strings.Replace(dump.String(), restrictKey, "x", 1)} {
			_, err := database.Load(t.Context(), restore, strings.NewReader(other))
			require.ErrorIs(t, err, database.ErrNotADump)
		}
		_, err := database.Load(t.Context(), restore, bytes.NewReader(dump.Bytes()[:dump.Len()/2]))
		require.Error(t, err)
	})
	t.Run("psql obeys no command in a dump, and its errors quote no data", func(t *testing.T) {
		head, _, _ := strings.Cut(dump.String(), "SET statement_timeout")
		_, err := database.Load(t.Context(), restore, strings.NewReader(head+"\\! id\n"))
		assert.ErrorContains(t, err, "restricted")
		_, err = database.Load(t.Context(), restore, strings.NewReader(head+"create table t (id int primary key);\ncopy t from stdin;\nhunter2\n\\.\n"))
		assert.EqualError(t, err, "psql: SQLSTATE 22P02")
		_, err = database.Load(t.Context(), restore, strings.NewReader(head+"create extension adminpack;\n"))
		assert.ErrorContains(t, err, `permission denied to create extension "adminpack" (SQLSTATE 42501)`)
	})
	t.Run("rows that come out in another order are the same", func(t *testing.T) { livedIn(t, d, backup, restore) })
	t.Run("what is loaded is what was dumped", func(t *testing.T) {
		streamed, err := database.Load(t.Context(), restore, bytes.NewReader(dump.Bytes()))
		require.NoError(t, err)
		assert.Empty(t, content.Differences(streamed, 10))
		loaded, err := database.Loaded(t.Context(), restore)
		require.NoError(t, err)
		assert.Empty(t, content.Differences(loaded, 10))
		counted, err := database.Counted(t.Context(), restore, streamed)
		require.NoError(t, err)
		assert.Equal(t, streamed, counted)
	})
	t.Run("a row that is not there is counted as missing", func(t *testing.T) {
		conn := d.Socket(t, "crm_new")
		_, err := conn.Exec(t.Context(), "delete from contact where id = (select max(id) from contact)")
		require.NoError(t, err)
		d.Leave(t, conn)
		counted, err := database.Counted(t.Context(), restore, content)
		require.NoError(t, err)
		assert.Equal(t, []string{"public.contact has 5002 rows instead of 5003"}, content.Differences(counted, 10))
		_, err = database.Load(t.Context(), restore, bytes.NewReader(dump.Bytes()))
		require.NoError(t, err)
	})
	t.Run("a swap ends clients' sessions, and they find the restored database", func(t *testing.T) {
		d.Execute(t, "truncate contact", "drop table sales.\"Order; Line\"")
		client, err := d.Connect(t, "web", "crm", "crm")
		require.NoError(t, err)
		require.NoError(t, database.Swap(t.Context(), restore, "friday"))
		_, err = client.Exec(t.Context(), "select 1")
		require.Error(t, err, "the session should have ended")
		assert.Equal(t, int64(5003), count(t, d, "contact"))
		require.NoError(t, database.Swap(t.Context(), restore, "friday"), "again it should do nothing")
		assert.Equal(t, int64(5003), count(t, d, "contact"))
	})
	t.Run("rights and settings of the database are as before", func(t *testing.T) {
		var timeout, path, public string
		conn, err := d.Connect(t, "web", "crm", "crm")
		require.NoError(t, err)
		require.NoError(t, conn.QueryRow(t.Context(), `select current_setting('statement_timeout'), current_setting('search_path'),
			has_database_privilege('public', 'crm', 'connect')::text`).Scan(&timeout, &path, &public))
		assert.Equal(t, []string{"7min", `"$user", public, sales`, "false"}, []string{timeout, path, public})
		var again bytes.Buffer
		_, err = database.Dump(t.Context(), backup, restrictKey, &again)
		require.NoError(t, err, "the backup should still be let in")
		assert.True(t, bytes.Equal(dump.Bytes(), again.Bytes()))
	})
	t.Run("what was replaced is closed to everybody, and comes back by an undo", func(t *testing.T) {
		swapped, err := database.Swapped(t.Context(), restore, "friday")
		require.NoError(t, err)
		assert.True(t, swapped)
		require.NoError(t, database.Undo(t.Context(), restore, "friday"))
		assert.Equal(t, int64(0), count(t, d, "contact"))
		require.NoError(t, database.Undo(t.Context(), restore, "friday"), "again it should do nothing")
		require.ErrorIs(t, database.Swap(t.Context(), restore, "friday"), database.ErrNothingLoaded)
		assert.Equal(t, []string{"crm"}, databases(t, d))
	})
	t.Run("what was replaced is removed when it is not needed any more", func(t *testing.T) {
		_, err := database.Load(t.Context(), restore, bytes.NewReader(dump.Bytes()))
		require.NoError(t, err)
		require.NoError(t, database.Swap(t.Context(), restore, "saturday"))
		require.NoError(t, database.Drop(t.Context(), restore, "saturday"))
		require.NoError(t, database.Drop(t.Context(), restore, "saturday"))
		assert.Equal(t, []string{"crm"}, databases(t, d))
		assert.Equal(t, int64(5003), count(t, d, "contact"))
	})
	t.Run("a restore that does not fit is refused", func(t *testing.T) {
		var noRoom *database.NoRoomError
		require.ErrorAs(t, database.Room(t.Context(), restore, content.DatabaseBytes, content.DatabaseBytes), &noRoom)
		require.NoError(t, database.Room(t.Context(), restore, 1<<40, content.DatabaseBytes))
		require.NoError(t, database.Room(t.Context(), restore, 0, content.DatabaseBytes))
	})
	t.Run("a server with another name is not believed", func(t *testing.T) {
		other := backup
		other.ServerName = "database.crm-acme--test.svc"
		_, err := database.Dump(t.Context(), other, restrictKey, &bytes.Buffer{})
		assert.ErrorContains(t, err, "certificate")
	})
}

func TestAKilledRestoreLeavesOneWholeDatabase(t *testing.T) {
	d := agenttest.StartDatabase(t, agenttest.NewAuthority(t))
	d.Execute(t, "create table contact (id int)", "insert into contact select generate_series(1, 200000)")
	backup, restore := server(t, d, "backup", "crm_backup"), server(t, d, "restore", "crm_restore")
	var dump bytes.Buffer
	_, err := database.Dump(t.Context(), backup, restrictKey, &dump)
	require.NoError(t, err)
	d.Execute(t, "delete from contact")

	t.Run("while it loads", func(t *testing.T) {
		ctx, kill := context.WithCancel(t.Context())
		half := &killing{Reader: bytes.NewReader(dump.Bytes()), after: dump.Len() / 2, kill: kill}
		_, err := database.Load(ctx, restore, half)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, int64(0), count(t, d, "contact"))
	})
	t.Run("while it swaps", func(t *testing.T) {
		_, err := database.Load(t.Context(), restore, bytes.NewReader(dump.Bytes()))
		require.NoError(t, err, "what the first try has left should not be in the way")
		// A session that may not be ended holds the swap up in the middle of its transaction.
		superuser := d.Socket(t, "crm")
		ctx, kill := context.WithTimeout(t.Context(), time.Second)
		defer kill()
		require.Error(t, database.Swap(ctx, restore, "friday"))
		d.Leave(t, superuser)
		assert.Equal(t, int64(0), count(t, d, "contact"))
		assert.Equal(t, []string{"crm", "crm_new"}, databases(t, d))
		require.NoError(t, database.Swap(t.Context(), restore, "friday"))
		assert.Equal(t, int64(200000), count(t, d, "contact"))
	})
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// killing ends a run after some bytes.
type killing struct {
	*bytes.Reader
	after int
	kill  func()
}

func (k *killing) Read(p []byte) (int, error) {
	if k.Len() < k.after {
		k.kill()
	}
	return k.Reader.Read(p[:min(len(p), 4096)])
}

func count(t *testing.T, d *agenttest.Database, table string) (rows int64) {
	t.Helper()
	conn := d.Socket(t, agenttest.DatabaseName)
	defer d.Leave(t, conn)
	require.NoError(t, conn.QueryRow(t.Context(), "select count(*) from "+table).Scan(&rows))
	return rows
}

// databases that the owner has.
func databases(t *testing.T, d *agenttest.Database) []string {
	t.Helper()
	conn := d.Socket(t, "postgres")
	defer conn.Close(t.Context()) //nolint:errcheck // nothing is pending on it
	rows, err := conn.Query(t.Context(), "select datname::text from pg_database where datdba = 'crm'::regrole order by 1")
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

// livedIn loads a table that rows were changed in and deleted from: of those that follow, Postgres puts some into gaps.
func livedIn(t *testing.T, d *agenttest.Database, backup, restore database.Server) {
	d.Execute(t, "create table lived (id int primary key, note text)",
		"insert into lived select i, repeat(md5(i::text), 1 + i * 7 % 17) from generate_series(1, 20000) i",
		"delete from lived where id * 11 % 10 < 3", "update lived set note = note || left(md5(id::text), id % 30) where id * 13 % 10 < 2", "vacuum lived",
		"insert into lived select i, repeat(md5(i::text), 1 + i * 7 % 17) from generate_series(30000, 34000) i")
	defer d.Execute(t, "drop table lived")
	var dump bytes.Buffer
	content, err := database.Dump(t.Context(), backup, restrictKey, &dump)
	require.NoError(t, err)
	_, err = database.Load(t.Context(), restore, &dump)
	require.NoError(t, err)
	loaded, err := database.Loaded(t.Context(), restore)
	require.NoError(t, err)
	require.NotEqual(t, order(t, d, "crm"), order(t, d, "crm_new"), "the rows should be such as come out in another order")
	assert.Empty(t, content.Differences(loaded, 10))
}

// order of the rows on disk.
func order(t *testing.T, d *agenttest.Database, in string) (digest string) {
	t.Helper()
	conn := d.Socket(t, in)
	defer d.Leave(t, conn)
	require.NoError(t, conn.QueryRow(t.Context(), "select md5(string_agg(id::text, ',' order by ctid)) from lived").Scan(&digest))
	return digest
}
