package agenttest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/postgres"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
	"github.com/crmkeep/crmkeep/internal/testing/loopback"
	need "github.com/crmkeep/crmkeep/internal/testing/require"
)

// BinDirEnv names the environment variable with the folder of Postgres' programs. Default: Debian's.
const BinDirEnv = "CRMKEEP_POSTGRES_BIN"

const debianBinDir = "/usr/lib/postgresql/15/bin"

// Server is a real Postgres server with the configuration that a database pod gives it.
type Server struct {
	// Address it listens on, of this machine only.
	Address string
	// Settings are those of its configuration. SocketDir is where an agent finds its socket.
	Settings serverconfig.Server

	dataDir string
	process *exec.Cmd
	log     bytes.Buffer
}

// NewServer initialises a server with `crmkeep postgres-init` and does not start it. It skips the test without Postgres.
func NewServer(t testing.TB, settings serverconfig.Server) *Server {
	t.Helper()
	initdb := Program("initdb")
	if _, err := os.Stat(initdb); err != nil {
		need.Missing(t, "needs Postgres: install it, or set %s: %v", BinDirEnv, err)
	}
	dir := t.TempDir()
	// The path of a socket may have no more than 107 bytes, which the test's own folder has already.
	socketDir, err := os.MkdirTemp("", "pg")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(socketDir)) })
	settings.ConfigDir, settings.SocketDir = dir, socketDir
	s := &Server{Settings: settings, dataDir: filepath.Join(dir, "data"), Address: loopback.Address(t)}
	s.writeConfig(t)
	command := postgres.NewInitCommand()
	command.SetOut(&s.log)
	command.SetErr(&s.log)
	command.SetArgs([]string{"--data", s.dataDir, "--initdb", initdb})
	require.NoError(t, command.ExecuteContext(t.Context()))
	t.Cleanup(func() {
		s.Stop(t)
		if t.Failed() {
			t.Logf("postgres:\n%s", s.log.String())
		}
	})
	return s
}

// writeConfig gives the tests' user the place of the images' user.
func (s *Server) writeConfig(t testing.TB) {
	t.Helper()
	files, err := s.Settings.Files()
	require.NoError(t, err)
	me, err := user.Current()
	require.NoError(t, err)
	files[serverconfig.IdentFile] = strings.ReplaceAll(files[serverconfig.IdentFile], fmt.Sprintf("%q", serverconfig.OSUser), fmt.Sprintf("%q", me.Username))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(s.Settings.ConfigDir, name), []byte(text), 0o600))
	}
}

// Start starts the server. It does not wait until the server answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Address)
	require.NoError(t, err)
	s.process = exec.Command(Program("postgres"), "-D", s.dataDir,
		"-c", "config_file="+filepath.Join(s.Settings.ConfigDir, serverconfig.ConfFile), "-c", "listen_addresses="+host, "-c", "port="+port)
	s.process.Stdout, s.process.Stderr = &s.log, &s.log
	require.NoError(t, s.process.Start())
	// Tests share a machine, so the port is another one than a pod's; the agent looks for the socket of the usual one.
	usual := filepath.Join(s.Settings.SocketDir, ".s.PGSQL.5432")
	if err := os.Symlink(".s.PGSQL."+port, usual); err != nil {
		require.ErrorIs(t, err, os.ErrExist)
	}
}

// Stop ends the server the way the pod's stop signal does: sessions end, nothing is lost. It returns when the server is gone.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	process := s.process
	s.process = nil
	require.NoError(t, process.Process.Signal(syscall.SIGINT))
	force := time.AfterFunc(30*time.Second, func() { _ = process.Process.Kill() })
	defer force.Stop()
	_ = process.Wait()
}

// Log is what the server wrote so far; call it only when the server is stopped.
func (s *Server) Log() string { return s.log.String() }

// Program gives the path of a program of Postgres.
func Program(name string) string {
	dir := os.Getenv(BinDirEnv)
	if dir == "" {
		dir = debianBinDir
	}
	return filepath.Join(dir, name)
}
