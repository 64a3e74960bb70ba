package database

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// ErrNotADump says that what was to be loaded was not made by Dump.
var ErrNotADump = errors.New("this is not a dump of a database")

// dumpStart is how each dump begins: with the restrict key, before anything that comes from its server.
var dumpStart = regexp.MustCompile(`^--\n-- PostgreSQL database dump\n--\n\n\\restrict [A-Za-z0-9]{16,128}\n`)

// maxStart is more than what dumpStart matches, in bytes.
const maxStart = 256

// Load makes a database beside the present one, replaces one that an earlier try has left, and fills it with a dump as the owner.
// The present database is not touched. The content is that of the dump; whether the new database holds it, Loaded tells.
func Load(ctx context.Context, server Server, from io.Reader) (Content, error) {
	dump := bufio.NewReaderSize(from, chunk)
	// Without a restrict key on its first lines, psql would obey commands in the dump.
	switch start, err := dump.Peek(maxStart); {
	case err != nil && !errors.Is(err, io.EOF):
		return Content{}, err
	case !dumpStart.Match(start):
		return Content{}, ErrNotADump
	}
	if err := server.create(ctx); err != nil {
		return Content{}, err
	}
	return server.fill(ctx, dump)
}

// Loaded dumps the database that Load has made, only to tell what is in it.
func Loaded(ctx context.Context, server Server) (Content, error) {
	return server.dump(ctx, naming.LoadedDatabase(server.Name), rand.Text(), io.Discard)
}

// Counted counts the rows of the tables of a dump in the database that Load has made from it. Its digests are those of the dump.
func Counted(ctx context.Context, server Server, dump Content) (Content, error) {
	conn, err := server.connect(ctx, naming.LoadedDatabase(server.Name))
	if err != nil {
		return Content{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	// Then a table of which the restore does not see all rows is an error, and not a wrong number.
	if _, err := conn.Exec(ctx, "SET row_security = off"); err != nil {
		return Content{}, err
	}
	found := dump
	found.Tables = slices.Clone(dump.Tables)
	for i, table := range found.Tables {
		if table.Name == LargeObjects || table.Name == Sequences {
			continue
		}
		// The dump has quoted the name, and psql has filled a table of that name.
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM ONLY "+table.Name).Scan(&found.Tables[i].Rows); err != nil {
			return Content{}, fmt.Errorf("counting the rows of %s: %w", table.Name, err)
		}
	}
	return found, nil
}

// Discard removes the database that Load has made, if there is one.
func Discard(ctx context.Context, server Server) error {
	return server.execute(ctx, maintenance, dropDatabase(naming.LoadedDatabase(server.Name)))
}

func dropDatabase(name string) string {
	return "DROP DATABASE IF EXISTS " + quote(name) + " WITH (FORCE)"
}

// create makes the new database with all that the present one has and a dump does not: encoding and collation, rights, settings.
func (s Server) create(ctx context.Context) error {
	present, err := s.connect(ctx, s.Name)
	if err != nil {
		return err
	}
	defer present.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	options, err := createOptions(ctx, present)
	if err != nil {
		return err
	}
	loaded := naming.LoadedDatabase(s.Name)
	for _, sql := range []string{
		dropDatabase(loaded),
		"CREATE DATABASE " + quote(loaded) + " OWNER " + quote(s.Owner) + " TEMPLATE template0 " + options,
		"SET ROLE " + quote(s.Owner),
		"REVOKE ALL ON DATABASE " + quote(loaded) + " FROM PUBLIC",
	} {
		if _, err := present.Exec(ctx, sql); err != nil {
			return err
		}
	}
	copied, err := copiedOptions(ctx, present, loaded)
	if err != nil {
		return err
	}
	for _, sql := range copied {
		if _, err := present.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// createOptions are those that a database cannot change later. Servers of different versions name the column of the ICU locale
// differently, so it is asked for by name.
func createOptions(ctx context.Context, conn *pgx.Conn) (options string, err error) {
	err = conn.QueryRow(ctx, `
		select format('ENCODING %L LC_COLLATE %L LC_CTYPE %L', pg_encoding_to_char(encoding), datcollate, datctype) ||
			case fields->>'datlocprovider'
				when 'i' then format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(fields->>'datlocale', fields->>'daticulocale'))
				when 'b' then format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', fields->>'datlocale')
				else '' end
		from pg_database d, to_jsonb(d) fields where datname = current_database()`).Scan(&options)
	return options, err
}

// copiedOptions give another database the rights and the settings of the one that conn is connected to. Its settings are in force on
// conn, so none of their values has to be quoted.
func copiedOptions(ctx context.Context, conn *pgx.Conn, to string) ([]string, error) {
	rows, err := conn.Query(ctx, `
		select format('GRANT %s ON DATABASE %I TO %I', privilege_type, $1::text, rolname)
		from pg_database, aclexplode(datacl) join pg_roles r on r.oid = grantee where datname = current_database() and grantee <> datdba
		union all
		select format('ALTER DATABASE %I SET %s FROM CURRENT', $1::text, split_part(setting, '=', 1))
		from pg_db_role_setting, unnest(setconfig) setting join pg_database on true
		where datname = current_database() and setdatabase = pg_database.oid and setrole = 0`, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// fill has psql execute the dump as the owner.
func (s Server) fill(ctx context.Context, dump io.Reader) (Content, error) {
	environment, err := s.environment(ctx, naming.LoadedDatabase(s.Name))
	if err != nil {
		return Content{}, err
	}
	// Nothing depends on the new database before it is swapped, and that is waited for.
	environment = append(environment, "PGOPTIONS="+strings.Join([]string{"-c role=" + s.Owner, "-c synchronous_commit=off"}, " "))
	program := exec.CommandContext(ctx, "psql", "--no-psqlrc", "--quiet", "--no-password", "--output=/dev/null",
		"--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--file=-")
	said, reader := &tail{}, newReader()
	program.Env, program.Stderr, program.WaitDelay = environment, said, stopDelay
	program.Stdin = io.TeeReader(dump, readerWriter{reader})
	if err := said.explain(ctx, "psql", program.Run()); err != nil {
		return Content{}, err
	}
	return reader.content()
}

// readerWriter lets a reader look at what is written to it.
type readerWriter struct{ *reader }

func (w readerWriter) Write(p []byte) (int, error) {
	w.read(p)
	return len(p), nil
}

// Analyze gives the planner statistics of the database that Load has made, without which the first queries of the application take far
// longer than they should.
func Analyze(ctx context.Context, server Server) error {
	return server.execute(ctx, naming.LoadedDatabase(server.Name), "SET ROLE "+quote(server.Owner), "ANALYZE")
}

func (s Server) execute(ctx context.Context, database string, statements ...string) error {
	conn, err := s.connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
