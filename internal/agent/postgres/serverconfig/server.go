// Package serverconfig is the configuration of an environment's Postgres server, as text. It is pure: the plan makes it. No role has a
// password: components come with certificates, and the superuser is who runs beside the server.
package serverconfig

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	// Superuser is the role that initdb makes. Only the pod's own user may take it, and only through the Unix socket.
	Superuser = "postgres"
	// OSUser is what the images call the user that pods run as.
	OSUser = "crmkeep"
)

// Names of the files that Server makes.
const (
	ConfFile  = "postgresql.conf"
	HBAFile   = "pg_hba.conf"
	IdentFile = "pg_ident.conf"
)

// Names of the maps in IdentFile. They are two, so that no certificate can pass for the user of the operating system.
const (
	localMap  = "local"
	clientMap = "clients"
)

// Server is how the server of an environment runs.
type Server struct {
	// ConfigDir is where the server finds the files that Files makes.
	ConfigDir string
	// SocketDir is where the server puts its Unix socket; it shares the folder with the agent.
	SocketDir string
	// FilesDir is where the agent keeps the server's certificate.
	FilesDir string
	// MemoryBytes is the container's memory limit, which caches are sized by. At least 128 MiB.
	MemoryBytes int64
	// MaxConnections at one time, at least 10.
	MaxConnections int
	// Database that clients may connect to.
	Database string
	// Clients that may connect.
	Clients []Client
}

// Client lets the bearer of a certificate connect as a role.
type Client struct {
	// CommonName of the certificate: <tenant>.<environment>.<component>.k; see naming.CommonName.
	CommonName string
	Role       string
	// EveryDatabase lets the role connect to others than Server.Database, as far as it has the right: a restore makes a new one.
	EveryDatabase bool
}

// Files gives the configuration files by name. The same server gives the same text.
func (s Server) Files() (map[string]string, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	return map[string]string{ConfFile: s.conf(), HBAFile: s.hba(), IdentFile: s.ident()}, nil
}

const (
	minMemory      = 128 << 20
	minConnections = 10
)

var (
	identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
	commonName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?){2}\.k$`)
	folder     = regexp.MustCompile(`^/[A-Za-z0-9._/-]*$`)
)

func (s Server) validate() error {
	for field, value := range map[string]string{"ConfigDir": s.ConfigDir, "SocketDir": s.SocketDir, "FilesDir": s.FilesDir} {
		if !folder.MatchString(value) {
			return fmt.Errorf("%s %q: not an absolute path of plain characters", field, value)
		}
	}
	if s.MemoryBytes < minMemory {
		return fmt.Errorf("MemoryBytes %d: less than %d", s.MemoryBytes, minMemory)
	}
	if s.MaxConnections < minConnections {
		return fmt.Errorf("MaxConnections %d: less than %d", s.MaxConnections, minConnections)
	}
	if err := ValidName("Database", s.Database); err != nil {
		return err
	}
	for _, client := range s.Clients {
		if err := ValidName("Role", client.Role); err != nil {
			return err
		}
		if !commonName.MatchString(client.CommonName) {
			return fmt.Errorf("CommonName %q: not <tenant>.<environment>.<component>.k", client.CommonName)
		}
	}
	return nil
}

// ValidName accepts a role or database that is neither the server's own nor a word with a meaning in the files.
func ValidName(field, name string) error {
	if !identifier.MatchString(name) {
		return fmt.Errorf("%s %q: not a plain lower-case identifier", field, name)
	}
	switch name {
	case Superuser, "template0", "template1", "public", "none", "all", "replication", "sameuser", "samerole", "samegroup":
		return fmt.Errorf("%s %q: the name is reserved", field, name)
	}
	if strings.HasPrefix(name, "pg_") {
		return fmt.Errorf("%s %q: names that start with pg_ are reserved", field, name)
	}
	return nil
}
