// Package database takes a database out of its server as a stream of SQL, puts such a stream into a new database, and exchanges the
// new one for the old. Connections are TLS with a certificate in place of a password, and the server's name is checked.
package database

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	agent "github.com/crmkeep/crmkeep/internal/agent/config"
)

// connectTimeout is how long the server may take to accept a connection.
const connectTimeout = 10 * time.Second

// maintenance is the database to be connected to while others are made, renamed and removed.
const maintenance = "postgres"

// Server is a database server and how to connect to it.
type Server struct {
	Address string // host:port
	// ServerName that the server's certificate must have.
	ServerName string
	// Name of the database.
	Name string
	// User to connect as and, to load a database, the Owner to act as.
	User  string
	Owner string
	// CertDir holds tls.crt, tls.key and ca.crt. Nobody else may read the key.
	CertDir string
}

func (s Server) file(name string) string { return filepath.Join(s.CertDir, name) }

// environment is what Postgres' programs connect with. They get nothing of our own environment but the path of programs.
func (s Server) environment(ctx context.Context, database string) ([]string, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("the address of the database server: %w", err)
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("the address of the database server: %w", err)
	}
	names := strings.TrimSuffix(strings.Repeat(s.ServerName+",", len(addresses)), ",")
	return []string{
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "PGAPPNAME=crmkeep",
		"PGHOST=" + names, "PGHOSTADDR=" + strings.Join(addresses, ","), "PGPORT=" + port,
		"PGUSER=" + s.User, "PGDATABASE=" + database, "PGPASSFILE=/dev/null",
		fmt.Sprintf("PGCONNECT_TIMEOUT=%d", int(connectTimeout.Seconds())),
		"PGSSLMODE=verify-full", "PGGSSENCMODE=disable",
		"PGSSLCERT=" + s.file(agent.CertFile), "PGSSLKEY=" + s.file(agent.KeyFile), "PGSSLROOTCERT=" + s.file(agent.CAFile),
	}, nil
}

// connect opens a connection to one of the server's databases.
func (s Server) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	settings, err := pgx.ParseConfig(strings.Join([]string{
		"sslmode=verify-full", "sslcert=" + keyword(s.file(agent.CertFile)), "sslkey=" + keyword(s.file(agent.KeyFile)),
		"sslrootcert=" + keyword(s.file(agent.CAFile)), "host=" + keyword(s.ServerName), "password=''", "passfile=/dev/null",
	}, " "))
	if err != nil {
		return nil, err
	}
	settings.User, settings.Database = s.User, database
	settings.RuntimeParams = map[string]string{"application_name": "crmkeep"}
	settings.ConnectTimeout = connectTimeout
	settings.Fallbacks = nil
	// The name is what the certificate is checked against; where to find the server is the address.
	settings.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	settings.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.Address)
	}
	return pgx.ConnectConfig(ctx, settings)
}

// keyword quotes a value of a connection string.
func keyword(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
