package agenttest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	agent "github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// Names in the Database of tests.
const (
	DatabaseHost = "database.crm-acme--prod.svc"
	DatabaseName = "crm"
)

// Database is the database of acme.prod, kept as the agent in its pod keeps it. The component web is its owner.
type Database struct {
	*Server
	issuer Issuer
}

// StartDatabase starts a database whose certificates come from issuer, and waits until it is ready.
func StartDatabase(t testing.TB, issuer Issuer) *Database {
	t.Helper()
	files := t.TempDir()
	client := func(component, role string) serverconfig.Client {
		return serverconfig.Client{CommonName: naming.CommonName("acme", "prod", component), Role: role}
	}
	restore := client(naming.ComponentRestore, naming.RestoreRole(DatabaseName))
	restore.EveryDatabase = true
	server := NewServer(t, serverconfig.Server{
		FilesDir: files, MemoryBytes: 256 << 20, MaxConnections: 20, Database: DatabaseName,
		Clients: []serverconfig.Client{client("web", DatabaseName), client(naming.ComponentBackup, naming.BackupRole(DatabaseName)), restore},
	})
	issuer.Issue(t, files, naming.CommonName("acme", "prod", naming.ComponentDatabase), DatabaseHost)
	keeper, err := postgres.NewKeeper(agent.Postgres{
		SocketDir: server.Settings.SocketDir, Database: DatabaseName, Owner: DatabaseName,
		Readers: []string{naming.BackupRole(DatabaseName)}, Restorers: []string{naming.RestoreRole(DatabaseName)},
		Extensions: []string{"pg_trgm"},
	}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	server.Start(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = keeper.Run(ctx) // ends with ctx
	}()
	t.Cleanup(func() { stop(); <-ended })
	require.Eventually(t, func() bool { return keeper.Ready(ctx) == nil }, 30*time.Second, 50*time.Millisecond, "the database should be ready")
	return &Database{Server: server, issuer: issuer}
}

// CertDir holds the certificate of a component of acme.prod.
func (d *Database) CertDir(t testing.TB, component string) string {
	t.Helper()
	dir := t.TempDir()
	d.issuer.Issue(t, dir, naming.CommonName("acme", "prod", component))
	return dir
}

// Connect connects to a database as a component.
func (d *Database) Connect(t testing.TB, component, role, database string) (*pgx.Conn, error) {
	t.Helper()
	dir := d.CertDir(t, component)
	settings, err := pgx.ParseConfig(fmt.Sprintf("host=%s user=%s dbname=%s sslmode=verify-full sslcert=%s sslkey=%s sslrootcert=%s",
		DatabaseHost, role, database, filepath.Join(dir, agent.CertFile), filepath.Join(dir, agent.KeyFile), filepath.Join(dir, agent.CAFile)))
	require.NoError(t, err)
	settings.Fallbacks = nil
	settings.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	settings.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, d.Address)
	}
	conn, err := pgx.ConnectConfig(t.Context(), settings)
	if err == nil {
		t.Cleanup(func() { conn.Close(context.Background()) }) //nolint:errcheck // the test may have broken it
	}
	return conn, err
}

// Execute executes statements as the owner.
func (d *Database) Execute(t testing.TB, statements ...string) {
	t.Helper()
	conn, err := d.Connect(t, "web", DatabaseName, DatabaseName)
	require.NoError(t, err)
	defer conn.Close(context.Background()) //nolint:errcheck // nothing is pending on it
	for _, sql := range statements {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
}

// Socket connects to a database as the superuser, as only the agent beside the server can.
func (d *Database) Socket(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s user=%s dbname=%s", d.Settings.SocketDir, serverconfig.Superuser, database))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) }) //nolint:errcheck // nothing is pending on it
	return conn
}

// Leave ends a superuser's session and waits until the server has, too: nobody else may end it for the sake of a swap.
func (d *Database) Leave(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	process := conn.PgConn().PID()
	require.NoError(t, conn.Close(t.Context()))
	other := d.Socket(t, "postgres")
	defer other.Close(t.Context()) //nolint:errcheck // nothing is pending on it
	require.Eventually(t, func() bool {
		var left int
		err := other.QueryRow(t.Context(), "select count(*) from pg_stat_activity where pid = $1", process).Scan(&left)
		return err == nil && left == 0
	}, time.Minute, 10*time.Millisecond, "the session should have ended")
}
