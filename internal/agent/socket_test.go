package agent_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/config"
)

func TestTheDatabaseIsAlsoReachedThroughASocketInAFolder(t *testing.T) {
	d := startDatabase(t, 3600)
	web := d.client(t, "acme", "prod", "web", 3600)
	app, err := pgx.Connect(t.Context(), "host="+web.DatabaseSocketDir+" user=crm dbname=crm")
	require.NoError(t, err)
	defer app.Close(t.Context()) //nolint:errcheck // the test is over
	var subject string
	require.NoError(t, app.QueryRow(t.Context(), "select client_dn from pg_stat_ssl where pid = pg_backend_pid()").Scan(&subject))
	assert.Equal(t, "/CN=acme.prod.web.k", subject)
}

func TestASocketThatAKilledAgentLeftIsReplaced(t *testing.T) {
	d := startDatabase(t, 3600)
	cfg := d.installation.Component(t, "acme", "prod", "web")
	cfg.DataKey, cfg.Admin = nil, nil
	cfg.Database = &config.Database{Address: d.server.Address, ServerName: databaseHost}
	dir := shortDir(t)
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, config.DatabaseSocket)})
	require.NoError(t, err)
	left.SetUnlinkOnClose(false)
	require.NoError(t, left.Close())

	web := startIn(t, cfg, d.installation.TokenFile(t, "acme", "prod", "web"), t.TempDir(), dir)
	web.awaitStarted(t)
	app, err := pgx.Connect(t.Context(), "host="+dir+" user=crm dbname=crm")
	require.NoError(t, err)
	require.NoError(t, app.Close(t.Context()))
	require.ErrorIs(t, web.stop(), context.Canceled)
	assert.NoFileExists(t, filepath.Join(dir, config.DatabaseSocket))
}
