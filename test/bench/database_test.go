package bench

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
	"github.com/crmkeep/crmkeep/internal/naming"
)

const (
	tenant       = "acme"
	environment  = "prod"
	client       = "web"
	databaseHost = "database.crm-acme--prod.svc"
	databaseName = "crm"
)

// database is a server as a database pod has it, and the ways to connect to it.
type database struct {
	agent *agentProcess
	// direct speaks mutual TLS by itself and verifies the server's name; the others leave that to the agent.
	direct connection
	// proxied is by the name of the agent's end that the application takes.
	proxied map[string]connection
}

// connection is the environment of a program of Postgres.
type connection []string

func startDatabase(b *testing.B) *database {
	b.Helper()
	installation := agenttest.Install(b)
	files, ownFiles := b.TempDir(), b.TempDir()
	server := agenttest.NewServer(b, serverconfig.Server{
		FilesDir: files, MemoryBytes: 1 << 30, MaxConnections: 100, Database: databaseName,
		Clients: []serverconfig.Client{{CommonName: naming.CommonName(tenant, environment, client), Role: databaseName}},
	})
	cfg := installation.Component(b, tenant, environment, "database", databaseHost)
	cfg.DataKey, cfg.Admin, cfg.Certificate.WriteFiles = nil, nil, true
	cfg.Postgres = &config.Postgres{SocketDir: server.Settings.SocketDir, Database: databaseName, Owner: databaseName}
	keeper := startAgent(b, cfg, installation.TokenFile(b, tenant, environment, "database"), files)
	server.Start(b)
	awaitProbe(b, keeper.healthAddress, "/ready")

	cfg = installation.Component(b, tenant, environment, client)
	// The files are for the programs that connect by themselves: it is the same certificate on both sides.
	cfg.DataKey, cfg.Admin, cfg.Certificate.WriteFiles = nil, nil, true
	cfg.Database = &config.Database{Address: server.Address, ServerName: databaseHost}
	a := startAgent(b, cfg, installation.TokenFile(b, tenant, environment, client), ownFiles)
	return &database{agent: a, direct: directly(b, server.Address, ownFiles), proxied: map[string]connection{
		"TCP": through(b, a.databaseAddress), "socket": append(common(), "PGHOST="+a.socketDir, "PGPORT=5432"),
	}}
}

func directly(b *testing.B, address, files string) connection {
	b.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(b, err)
	return append(common(), "PGHOST="+databaseHost, "PGHOSTADDR="+host, "PGPORT="+port, "PGSSLMODE=verify-full",
		"PGSSLROOTCERT="+filepath.Join(files, config.CAFile), "PGSSLCERT="+filepath.Join(files, config.CertFile),
		"PGSSLKEY="+filepath.Join(files, config.KeyFile), "PGSSLMINPROTOCOLVERSION=TLSv1.3")
}

func through(b *testing.B, address string) connection {
	b.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(b, err)
	return append(common(), "PGHOST="+host, "PGPORT="+port, "PGSSLMODE=disable")
}

func common() connection {
	return append(connection(os.Environ()), "PGUSER="+databaseName, "PGDATABASE="+databaseName, "PGGSSENCMODE=disable")
}
