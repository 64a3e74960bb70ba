package agent_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
)

const databaseHost = "database.crm-acme--prod.svc"

// databasePod is a server and its agent, and the agents of pods that use it.
type databasePod struct {
	installation *agenttest.Installation
	server       *agenttest.Server
	agent        *running
	config       *config.Config
	token, files string
	// caBundle that clients are told to check the server against.
	caBundle string
}

// startDatabase runs the database pod of acme.prod, whose certificates live for ttl seconds.
func startDatabase(t *testing.T, ttl int64) *databasePod {
	t.Helper()
	installation := agenttest.Install(t)
	installation.Environment(t, "acme", "prod")
	d := &databasePod{installation: installation, files: t.TempDir()}
	d.server = agenttest.NewServer(t, serverconfig.Server{
		FilesDir: d.files, MemoryBytes: 256 << 20, MaxConnections: 20, Database: "crm",
		Clients: []serverconfig.Client{
			{CommonName: "acme.prod.web.k", Role: "crm"}, {CommonName: "acme.prod.backup.k", Role: "backup"},
		},
	})
	cfg := installation.Component(t, "acme", "prod", "database", databaseHost)
	cfg.DataKey, cfg.Admin = nil, nil
	cfg.Certificate.WriteFiles, cfg.Certificate.TTLSeconds = true, ttl
	d.config, d.token = cfg, installation.TokenFile(t, "acme", "prod", "database")
	cfg.Postgres = &config.Postgres{
		SocketDir: d.server.Settings.SocketDir, Database: "crm", Owner: "crm", Readers: []string{"backup"}, Extensions: []string{"pg_trgm"},
	}
	d.agent = start(t, cfg, d.token, d.files)
	d.agent.awaitStarted(t)
	d.agent.awaitProbe(t, "/ready", http.StatusServiceUnavailable, "ServerAway")
	d.server.Start(t)
	d.agent.awaitProbe(t, "/ready", http.StatusOK, "ok")
	return d
}

// client runs the agent of a pod that uses the database.
func (d *databasePod) client(t *testing.T, tenant, environment, component string, ttl int64) *running {
	t.Helper()
	cfg := d.installation.Component(t, tenant, environment, component)
	cfg.DataKey, cfg.Admin, cfg.Certificate.TTLSeconds = nil, nil, ttl
	cfg.Database = &config.Database{Address: d.server.Address, ServerName: databaseHost, CABundle: d.caBundle}
	r := start(t, cfg, d.installation.TokenFile(t, tenant, environment, component), t.TempDir())
	r.awaitStarted(t)
	return r
}

// connect does what an application does: plain text to localhost, no password.
func connect(t *testing.T, address, user string) (*pgx.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), eventually)
	defer cancel()
	conn, err := pgx.Connect(ctx, "postgres://"+user+"@"+address+"/crm?sslmode=disable")
	if err == nil {
		t.Cleanup(func() { conn.Close(context.WithoutCancel(ctx)) }) //nolint:errcheck // the test may have broken it
	}
	return conn, err
}

func TestAnApplicationReachesItsDatabaseAsItsRoleWithoutAPassword(t *testing.T) {
	d := startDatabase(t, 3600)
	app, err := connect(t, d.client(t, "acme", "prod", "web", 3600).DatabaseAddress, "crm")
	require.NoError(t, err)

	var name, subject, version string
	require.NoError(t, app.QueryRow(t.Context(),
		"select current_user, client_dn, version from pg_stat_ssl where pid = pg_backend_pid()").Scan(&name, &subject, &version))
	assert.Equal(t, []string{"crm", "/CN=acme.prod.web.k", "TLSv1.3"}, []string{name, subject, version})
	_, err = app.Exec(t.Context(), "create table contact (name text); insert into contact select repeat('x', 100) from generate_series(1, 100000)")
	require.NoError(t, err)
	var rows int
	require.NoError(t, app.QueryRow(t.Context(), "select count(*) from contact where similarity(name, 'x') >= 0").Scan(&rows))
	assert.Equal(t, 100000, rows)

	reader, err := connect(t, d.client(t, "acme", "prod", "backup", 3600).DatabaseAddress, "backup")
	require.NoError(t, err)
	require.NoError(t, reader.QueryRow(t.Context(), "select count(*) from contact").Scan(&rows))
	_, err = reader.Exec(t.Context(), "delete from contact")
	assert.ErrorContains(t, err, "SQLSTATE 25006")
	for _, escape := range []string{"select pg_read_file('/etc/passwd')", "copy contact to program 'id'", "create role other superuser", "create database other"} {
		_, err = app.Exec(t.Context(), escape)
		assert.ErrorContains(t, err, "SQLSTATE 42501", escape)
	}
}

func TestACancelRequestReachesTheServer(t *testing.T) {
	d := startDatabase(t, 3600)
	web := d.client(t, "acme", "prod", "web", 3600)
	app, err := connect(t, web.DatabaseAddress, "crm")
	require.NoError(t, err)
	watcher, err := connect(t, web.DatabaseAddress, "crm")
	require.NoError(t, err)

	done := make(chan error, 1)
	go func() { _, err := app.Exec(t.Context(), "select pg_sleep(60)"); done <- err }()
	require.Eventually(t, func() bool {
		var sleeping bool
		err := watcher.QueryRow(t.Context(), "select exists (select from pg_stat_activity where wait_event = 'PgSleep')").Scan(&sleeping)
		return err == nil && sleeping
	}, eventually, poll)
	require.NoError(t, app.PgConn().CancelRequest(t.Context()))
	assert.ErrorContains(t, <-done, "57014")
}

func TestTheDatabaseRefusesWhoeverIsNotAComponentOfItsEnvironment(t *testing.T) {
	d := startDatabase(t, 3600)
	refused := func(name, want string, address, user string) {
		t.Run(name, func(t *testing.T) {
			_, err := connect(t, address, user)
			require.Error(t, err)
			assert.Contains(t, err.Error(), want)
		})
	}
	refused("plain text", "pg_hba.conf rejects connection", d.server.Address, "crm")
	refused("a superuser over TCP", "pg_hba.conf rejects connection", d.server.Address, "postgres")
	refused("a superuser with a component's certificate", "pg_hba.conf rejects connection", d.client(t, "acme", "prod", "web", 3600).DatabaseAddress, "postgres")
	refused("another component's role", "certificate authentication failed", d.client(t, "acme", "prod", "web", 3600).DatabaseAddress, "backup")
	refused("another environment's certificate", "certificate authentication failed", d.client(t, "acme", "test", "web", 3600).DatabaseAddress, "crm")
	refused("another tenant's certificate", "certificate authentication failed", d.client(t, "evil", "prod", "web", 3600).DatabaseAddress, "crm")

	t.Run("TLS without a certificate", func(t *testing.T) {
		settings, err := pgx.ParseConfig("postgres://crm@" + d.server.Address + "/crm?sslmode=require")
		require.NoError(t, err)
		_, err = pgx.ConnectConfig(t.Context(), settings)
		assert.ErrorContains(t, err, "connection requires a valid client certificate")
	})
}

func TestAnAgentRefusesAServerThatIsNotItsDatabase(t *testing.T) {
	d := startDatabase(t, 3600)
	cfg := d.installation.Component(t, "acme", "test", "web")
	cfg.DataKey, cfg.Admin = nil, nil
	// The same CA signed for both environments: the name alone tells them apart.
	cfg.Database = &config.Database{Address: d.server.Address, ServerName: "database.crm-acme--test.svc"}
	r := start(t, cfg, d.installation.TokenFile(t, "acme", "test", "web"), t.TempDir())
	r.awaitStarted(t)

	_, err := connect(t, r.DatabaseAddress, "crm")
	require.Error(t, err)
	failure := &pgconn.PgError{}
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "08006", failure.Code)
	assert.Contains(t, failure.Message, "is not that of the environment's database")
}

func TestCertificatesAreRenewedUnderOpenConnections(t *testing.T) {
	const ttl = 6
	d := startDatabase(t, ttl)
	web := d.client(t, "acme", "prod", "web", ttl)
	app, err := connect(t, web.DatabaseAddress, "crm")
	require.NoError(t, err)
	first := d.serverSerial(t)

	require.Eventually(t, func() bool { return d.serverSerial(t) != first }, eventually, poll, "the server should present a new certificate")
	require.Eventually(t, func() bool { return strings.Count(web.log.String(), "The certificate is signed") > 2 }, eventually, poll)
	var one int
	require.NoError(t, app.QueryRow(t.Context(), "select 1").Scan(&one), "an open connection should outlive its certificates")
	_, err = connect(t, web.DatabaseAddress, "crm")
	require.NoError(t, err)
}

// serverSerial is the serial number of the certificate that the server presents.
func (d *databasePod) serverSerial(t *testing.T) string {
	t.Helper()
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(read(t, d.files, config.CAFile))))
	pair, err := tls.LoadX509KeyPair(filepath.Join(d.files, config.CertFile), filepath.Join(d.files, config.KeyFile))
	require.NoError(t, err)
	settings, err := pgconn.ParseConfig("postgres://crm@" + d.server.Address + "/crm?sslmode=require")
	require.NoError(t, err)
	var serial string
	settings.TLSConfig = &tls.Config{
		RootCAs: pool, ServerName: databaseHost, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13,
		VerifyConnection: func(state tls.ConnectionState) error {
			serial = state.PeerCertificates[0].SerialNumber.String()
			return nil
		},
	}
	// The database's own certificate is no client's, so the connection ends after the handshake.
	_, err = pgconn.ConnectConfig(t.Context(), settings)
	require.ErrorContains(t, err, "certificate authentication failed")
	return serial
}

func TestTheDatabaseServesOnWhileVaultIsSealedAndAgentsStartAgain(t *testing.T) {
	d := startDatabase(t, 3600)
	web := d.client(t, "acme", "prod", "web", 3600)
	app, err := connect(t, web.DatabaseAddress, "crm")
	require.NoError(t, err)

	d.installation.Vault.Seal(t)
	_, err = app.Exec(t.Context(), "create table kept (id int)")
	require.NoError(t, err)
	_, err = connect(t, web.DatabaseAddress, "crm")
	require.NoError(t, err, "new connections should go on as well")

	_ = d.agent.stop()
	d.agent = start(t, d.config, d.token, d.files)
	d.agent.awaitProbe(t, "/started", http.StatusServiceUnavailable, "VaultSealed")
	d.agent.awaitProbe(t, "/ready", http.StatusOK, "ok")
	_, err = app.Exec(t.Context(), "drop table kept")
	require.NoError(t, err)

	d.installation.Vault.Unseal(t)
	d.agent.awaitStarted(t)
}

func TestAServerThatStartsAgainIsSetUpAgain(t *testing.T) {
	d := startDatabase(t, 3600)
	web := d.client(t, "acme", "prod", "web", 3600)

	d.server.Stop(t)
	d.agent.awaitProbe(t, "/ready", http.StatusServiceUnavailable, "ServerAway")
	_, err := connect(t, web.DatabaseAddress, "crm")
	failure := &pgconn.PgError{}
	require.ErrorAs(t, err, &failure, "the application should get an answer of the protocol")
	assert.Equal(t, []string{"FATAL", "57P03"}, []string{failure.Severity, failure.Code})

	d.server.Start(t)
	d.agent.awaitProbe(t, "/ready", http.StatusOK, "ok")
	require.Eventually(t, func() bool { _, err := connect(t, web.DatabaseAddress, "crm"); return err == nil }, eventually, poll)
	assert.Contains(t, web.log.String(), "The database is reached again")
}

func TestNeitherStatementsNorTheirDataAreLogged(t *testing.T) {
	d := startDatabase(t, 3600)
	app, err := connect(t, d.client(t, "acme", "prod", "web", 3600).DatabaseAddress, "crm")
	require.NoError(t, err)
	_, err = app.Exec(t.Context(), "create table contact (mail text primary key); insert into contact values ('li.na@acme.example')")
	require.NoError(t, err)
	for range 2 {
		_, err = app.Exec(t.Context(), "insert into contact values ($1)", "li.na@acme.example")
		require.Error(t, err)
	}
	require.NoError(t, app.Close(t.Context()))
	d.server.Stop(t)

	assert.Contains(t, d.server.Log(), "duplicate key value violates unique constraint")
	assert.Contains(t, d.server.Log(), "crm@crm")
	assert.NotContains(t, d.server.Log(), "li.na")
}
