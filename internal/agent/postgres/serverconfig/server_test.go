package serverconfig_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
)

var update = flag.Bool("update", false, "write the golden files anew")

func server() serverconfig.Server {
	return serverconfig.Server{
		ConfigDir: "/etc/postgresql", SocketDir: "/run/crmkeep/socket", FilesDir: config.FilesDir,
		MemoryBytes: 512 << 20, MaxConnections: 100, Database: "crm",
		Clients: []serverconfig.Client{
			{CommonName: "acme.prod.web.k", Role: "crm"},
			{CommonName: "acme.prod.migrate.k", Role: "crm"},
			{CommonName: "acme.prod.backup.k", Role: "crm_backup"},
			{CommonName: "acme.prod.restore.k", Role: "crm_restore", EveryDatabase: true},
		},
	}
}

func TestTheConfigurationFilesAreAsReviewed(t *testing.T) {
	files, err := server().Files()
	require.NoError(t, err)
	assert.Len(t, files, 3)
	for name, text := range files {
		golden := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(text), 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		assert.Equal(t, string(want), text, name)
	}
}

func TestTheOrderAndRepeatsOfClientsDoNotMatter(t *testing.T) {
	s := server()
	want, err := s.Files()
	require.NoError(t, err)
	s.Clients = append([]serverconfig.Client{s.Clients[2], s.Clients[1]}, s.Clients...)
	got, err := s.Files()
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestAServerWithoutClientsTakesNoConnection(t *testing.T) {
	s := server()
	s.Clients = nil
	files, err := s.Files()
	require.NoError(t, err)
	assert.NotContains(t, files[serverconfig.HBAFile], "hostssl")
}

func TestNothingThatCouldMeanMoreThanANameGetsIntoTheFiles(t *testing.T) {
	for name, change := range map[string]func(*serverconfig.Server){
		"a superuser":               func(s *serverconfig.Server) { s.Clients[0].Role = "postgres" },
		"every role":                func(s *serverconfig.Server) { s.Clients[0].Role = "all" },
		"a group":                   func(s *serverconfig.Server) { s.Clients[0].Role = "+crm" },
		"a role of the server":      func(s *serverconfig.Server) { s.Clients[0].Role = "pg_read_all_data" },
		"a role with a line's end":  func(s *serverconfig.Server) { s.Clients[0].Role = "crm\nhost all all all trust" },
		"a role with a quote":       func(s *serverconfig.Server) { s.Clients[0].Role = `crm"` },
		"a pattern of certificates": func(s *serverconfig.Server) { s.Clients[0].CommonName = "/^.*$" },
		"a certificate's line end":  func(s *serverconfig.Server) { s.Clients[0].CommonName = "acme.prod.web.k\nx" },
		"half a name":               func(s *serverconfig.Server) { s.Clients[0].CommonName = "acme.prod" },
		"every database":            func(s *serverconfig.Server) { s.Database = "all" },
		"the superuser's database":  func(s *serverconfig.Server) { s.Database = "postgres" },
		"a path with a quote":       func(s *serverconfig.Server) { s.SocketDir = "/run'" },
		"a path that is relative":   func(s *serverconfig.Server) { s.FilesDir = "run" },
		"too little memory":         func(s *serverconfig.Server) { s.MemoryBytes = 1 << 20 },
		"too few connections":       func(s *serverconfig.Server) { s.MaxConnections = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := server()
			change(&s)
			_, err := s.Files()
			assert.Error(t, err)
		})
	}
}
