package serverconfig

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/agent/config"
)

func (s Server) conf() string {
	setting := func(name, value string) string { return name + " = '" + value + "'\n" }
	file := func(name string) string { return filepath.Join(s.FilesDir, name) }
	size := func(bytes int64) string { return fmt.Sprintf("%dMB", bytes>>20) }
	return strings.Join([]string{
		"# Connections: by certificate from outside the pod, by the operating system's user inside.\n",
		setting("hba_file", filepath.Join(s.ConfigDir, HBAFile)),
		setting("ident_file", filepath.Join(s.ConfigDir, IdentFile)),
		setting("listen_addresses", "*"),
		setting("port", "5432"),
		setting("max_connections", fmt.Sprint(s.MaxConnections)),
		setting("unix_socket_directories", s.SocketDir),
		setting("unix_socket_permissions", "0700"),
		setting("ssl", "on"),
		setting("ssl_min_protocol_version", "TLSv1.3"),
		setting("ssl_cert_file", file(config.CertFile)),
		setting("ssl_key_file", file(config.KeyFile)),
		setting("ssl_ca_file", file(config.CAFile)),
		// A peer that vanished must not keep its transaction's locks for hours.
		setting("tcp_keepalives_idle", "60"),
		setting("tcp_keepalives_interval", "10"),
		setting("tcp_keepalives_count", "6"),
		"# Resources.\n",
		setting("shared_buffers", size(s.MemoryBytes/4)),
		setting("effective_cache_size", size(s.MemoryBytes/2)),
		setting("maintenance_work_mem", size(s.MemoryBytes/16)),
		setting("work_mem", "4MB"),
		setting("max_wal_size", "512MB"),
		setting("jit", "off"),
		"# Nobody replicates from this server: backups are logical.\n",
		setting("max_wal_senders", "0"),
		setting("wal_level", "replica"),
		"# Log who connects, and neither the text of statements nor their parameters nor the rows in details: they are the tenant's data.\n",
		setting("log_destination", "stderr"),
		setting("logging_collector", "off"),
		setting("log_line_prefix", "%m [%p] %q%u@%d "),
		setting("log_timezone", "UTC"),
		setting("log_connections", "on"),
		setting("log_disconnections", "on"),
		setting("log_statement", "none"),
		setting("log_min_error_statement", "panic"),
		setting("log_min_duration_statement", "-1"),
		setting("log_parameter_max_length", "0"),
		setting("log_parameter_max_length_on_error", "0"),
		setting("log_error_verbosity", "terse"),
	}, "")
}

func (s Server) hba() string {
	lines := []string{
		"# TYPE  DATABASE  USER  ADDRESS  METHOD",
		fmt.Sprintf("local all %q peer map=%s", Superuser, localMap),
		"local all all reject",
	}
	if roles := s.roles(false); roles != "" {
		lines = append(lines, fmt.Sprintf("hostssl %q %s all cert map=%s", s.Database, roles, clientMap))
	}
	if roles := s.roles(true); roles != "" {
		lines = append(lines, fmt.Sprintf("hostssl all %s all cert map=%s", roles, clientMap))
	}
	lines = append(lines, "host all all all reject")
	return strings.Join(lines, "\n") + "\n"
}

// roles of the clients that may connect to every database, or to the one only.
func (s Server) roles(everyDatabase bool) string {
	var roles []string
	for _, client := range s.Clients {
		if client.EveryDatabase == everyDatabase {
			roles = append(roles, fmt.Sprintf("%q", client.Role))
		}
	}
	slices.Sort(roles)
	return strings.Join(slices.Compact(roles), ",")
}

func (s Server) ident() string {
	lines := []string{fmt.Sprintf("%s %q %q", localMap, OSUser, Superuser)}
	for _, client := range s.Clients {
		lines = append(lines, fmt.Sprintf("%s %q %q", clientMap, client.CommonName, client.Role))
	}
	slices.Sort(lines[1:])
	return "# MAP  SYSTEM-USERNAME  PG-USERNAME\n" + strings.Join(slices.Compact(lines), "\n") + "\n"
}
