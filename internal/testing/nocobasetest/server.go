// Package nocobasetest runs a real NocoBase 2.2 for tests, with Postgres beside it.
package nocobasetest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/testing/loopback"
	need "github.com/crmkeep/crmkeep/internal/testing/require"
)

// DirEnv names the environment variable with the folder of NocoBase's programs, as hack/nocobase/install.sh prints it.
const DirEnv = "CRMKEEP_NOCOBASE_DIR"

const (
	// Admin is the login of the administrator that NocoBase came with.
	Admin = "admin"
	// AdminPassword is that of every test's NocoBase.
	AdminPassword = "Aq7wZ8xK2mPq9Lr3Tn5v"

	template     = "crm"
	postgresUser = 65534
	startTimeout = 2 * time.Minute
)

// Server is a Postgres with the tables of a new NocoBase, of which each test gets a copy and a NocoBase of its own.
type Server struct {
	programs, dir string
	host, port    string
	log           lockedBuffer
	postgres      *exec.Cmd
	databases     int
}

// Main runs the tests with a server, which start hands over, and stops it. Without what a server needs, start is not called, and tests that need one
// are to call New, which ends them.
func Main(m *testing.M, start func(*Server)) {
	server, err := run()
	code := 1
	if err == nil {
		if server != nil {
			start(server)
		}
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "start NocoBase:", err)
	}
	if server != nil {
		if err != nil {
			fmt.Fprintln(os.Stderr, server.log.String())
		}
		server.close()
	}
	os.Exit(code)
}

// need ends a test that has no server.
func (s *Server) need(t testing.TB) {
	t.Helper()
	if s == nil {
		need.Missing(t, "needs NocoBase, Postgres and root: set %s to what hack/nocobase/install.sh prints", DirEnv)
	}
}

func run() (*Server, error) {
	programs := os.Getenv(DirEnv)
	if programs == "" || os.Getuid() != 0 {
		return nil, nil
	}
	s := &Server{programs: programs}
	return s, s.start()
}

func (s *Server) start() (err error) {
	if s.dir, err = os.MkdirTemp("", "nocobasetest"); err != nil {
		return err
	}
	if err := os.Chown(s.dir, postgresUser, postgresUser); err != nil {
		return err
	}
	address, err := loopback.Find()
	if err != nil {
		return err
	}
	if s.host, s.port, err = net.SplitHostPort(address); err != nil {
		return err
	}
	if err := s.startPostgres(); err != nil {
		return err
	}
	if err := s.sql("CREATE DATABASE " + template); err != nil {
		return err
	}
	files, err := os.MkdirTemp(s.dir, "install")
	if err != nil {
		return err
	}
	if err := s.program(files, template, "127.0.0.1:0", "install").Run(); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	url, node, err := s.serve(files, template)
	if err != nil {
		return err
	}
	defer stop(node, syscall.SIGTERM)
	return furnish(url)
}

func (s *Server) startPostgres() error {
	data := filepath.Join(s.dir, "data")
	initdb := s.asPostgres("initdb", "--pgdata", data, "--username=crm", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	if err := initdb.Run(); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	s.postgres = s.asPostgres("postgres", "-D", data, "-c", "listen_addresses="+s.host, "-c", "port="+s.port,
		"-c", "unix_socket_directories="+s.dir, "-c", "fsync=off", "-c", "max_connections=200")
	if err := s.postgres.Start(); err != nil {
		return err
	}
	return wait("Postgres", func() bool { return s.sql("SELECT 1") == nil })
}

// program is one of server.js's commands. What it leaves behind is in a folder of its own.
func (s *Server) program(files, database, address, command string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(address)
	node := exec.Command("node", filepath.Join(s.programs, "server.js"), command)
	node.Dir = files
	node.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + files, "TZ=UTC", "APP_KEY=of tests only", "DB_DIALECT=postgres",
		"DB_HOST=" + s.host, "DB_PORT=" + s.port, "DB_DATABASE=" + database, "HOST=" + host, "PORT=" + port,
		"INIT_ROOT_USERNAME=" + Admin, "INIT_ROOT_EMAIL=admin@acme.example", "INIT_ROOT_NICKNAME=Administrator", "INIT_ROOT_PASSWORD=" + AdminPassword,
		"LOGGER_TRANSPORT=console", "LOGGER_LEVEL=warn"}
	node.Stdout, node.Stderr = &s.log, &s.log
	return node
}

func (s *Server) asPostgres(program string, arguments ...string) *exec.Cmd {
	command := exec.Command(agenttest.Program(program), arguments...)
	command.Dir = s.dir
	command.Stdout, command.Stderr = &s.log, &s.log
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: postgresUser, Gid: postgresUser}}
	return command
}

func (s *Server) sql(statement string) error {
	command := exec.Command(agenttest.Program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--host="+s.host, "--port="+s.port,
		"--username=crm", "--dbname=postgres", "--command="+statement)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, output)
	}
	return nil
}

// serve starts a NocoBase on a database, and gives its URL.
func (s *Server) serve(files, database string) (string, *exec.Cmd, error) {
	address, err := loopback.Find()
	if err != nil {
		return "", nil, err
	}
	node := s.program(files, database, address, "serve")
	if err := node.Start(); err != nil {
		return "", nil, err
	}
	url := "http://" + address
	err = wait("NocoBase", func() bool {
		answer, err := http.Get(url + "/api/authenticators:publicList")
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	})
	if err != nil {
		stop(node, syscall.SIGTERM)
	}
	return url, node, err
}

func stop(command *exec.Cmd, signal syscall.Signal) {
	_ = command.Process.Signal(signal)
	force := time.AfterFunc(10*time.Second, func() { _ = command.Process.Kill() })
	defer force.Stop()
	_ = command.Wait()
}

func wait(what string, ready func() bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTimeout)
	for !ready() {
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("%s is not ready after %s", what, startTimeout)
		}
	}
	return nil
}

func (s *Server) close() {
	if s.postgres != nil && s.postgres.Process != nil {
		stop(s.postgres, syscall.SIGINT)
	}
	_ = os.RemoveAll(s.dir)
}

// lockedBuffer takes what several programs write.
type lockedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

// String gives what was written.
func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}
