// Package trytontest runs a real Tryton 6.0 for tests: the programs of the product's image on its own root file system, and Postgres beside it.
package trytontest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/testing/loopback"
	need "github.com/crmkeep/crmkeep/internal/testing/require"
)

// RootEnv names the environment variable with the root file system of the product's image, as hack/images/rootfs.sh prints it.
const RootEnv = "CRMKEEP_TRYTON_ROOT"

const (
	// Admin is the login of the administrator.
	Admin = "admin"
	// AdminPassword is that of every test's Tryton.
	AdminPassword    = "Aq7wZ8xK2mPq9Lr3Tn5v"
	operatorPassword = "Tf6hRq3NbX9yWc4Kd7Gm"

	template     = "crm"
	postgresUser = 65534
	trytonUser   = 65532
	startTimeout = 2 * time.Minute
)

// configuration is that of config/classes/tryton.yaml, but for the address of the database.
const configuration = `[database]
uri = postgresql://crm@%s/
default_name = %s
list = True

[web]
root = /usr/share/tryton-sao/www

[session]
authentications = password
max_age = 28800
timeout = 900
max_attempt = 5
max_attempt_ip_network = 1000000

[password]
length = 12
entropy = 0.3
`

// Server is a Tryton that serves one database for each test.
type Server struct {
	// URL without a slash at the end.
	URL string

	root, dir, inside string
	// database is the address of PostgreSQL.
	database string
	log      bytes.Buffer
	stop     []func()
	// stopWeb ends the web server alone.
	stopWeb func()
}

// Main runs the tests with a server, which start hands over, and stops it. Without what a server needs, start is not called, and tests that need one
// are to call Need.
func Main(m *testing.M, start func(*Server)) {
	server, err := run()
	if server != nil && err == nil {
		start(server)
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "start Tryton:", err)
	}
	if server != nil {
		if code != 0 {
			fmt.Fprintln(os.Stderr, server.log.String())
		}
		server.close()
	}
	os.Exit(code)
}

// Need ends a test that has no server.
func (s *Server) Need(t testing.TB) {
	t.Helper()
	if s == nil {
		need.Missing(t, "needs Tryton and root: set %s to what hack/images/rootfs.sh tryton prints", RootEnv)
	}
}

func run() (*Server, error) {
	root := os.Getenv(RootEnv)
	if root == "" || os.Getuid() != 0 {
		return nil, nil
	}
	s := &Server{root: root}
	return s, s.start()
}

func (s *Server) start() (err error) {
	if s.dir, err = os.MkdirTemp("", "trytontest"); err != nil {
		return err
	}
	s.stop = append(s.stop, func() { _ = os.RemoveAll(s.dir) })
	if s.database, err = loopback.Find(); err != nil {
		return err
	}
	if err := errors.Join(os.Chown(s.dir, postgresUser, postgresUser), s.startPostgres()); err != nil {
		return err
	}
	if s.inside, err = os.MkdirTemp(filepath.Join(s.root, "tmp"), "trytontest"); err != nil {
		return err
	}
	s.stop = append(s.stop, func() { _ = os.RemoveAll(s.inside) })
	if err := errors.Join(s.configure(s.inside, template, operatorPassword), s.sql("CREATE DATABASE "+template, "postgres")); err != nil {
		return err
	}
	migrate := s.program(s.inside, "tryton-migrate", "--bootstrap")
	if err := migrate.Run(); err != nil {
		return fmt.Errorf("tryton-migrate: %w", err)
	}
	web, err := loopback.Find()
	if err != nil {
		return err
	}
	s.URL = "http://" + web
	s.stop = append(s.stop, func() { s.stopWeb() })
	return s.startWeb()
}

// configure writes into a folder what the agent renders for a migration.
func (s *Server) configure(dir, database, operatorPassword string) error {
	files := map[string]string{
		"trytond.conf": fmt.Sprintf(configuration, s.database, database), "password": AdminPassword, "adapter-password": operatorPassword,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

func (s *Server) startPostgres() error {
	data := filepath.Join(s.dir, "data")
	initdb := s.asPostgres("initdb", "--pgdata", data, "--username=crm", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	if err := initdb.Run(); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	host, port, err := net.SplitHostPort(s.database)
	if err != nil {
		return err
	}
	server := s.asPostgres("postgres", "-D", data, "-c", "listen_addresses="+host, "-c", "port="+port,
		"-c", "unix_socket_directories="+s.dir, "-c", "fsync=off")
	stop, err := s.startProcess(server, syscall.SIGINT)
	if err != nil {
		return err
	}
	s.stop = append(s.stop, stop)
	return s.wait("Postgres", func() bool { return s.sql("SELECT 1", "postgres") == nil })
}

func (s *Server) startWeb() (err error) {
	web := s.program(s.inside, "gunicorn", "--bind="+strings.TrimPrefix(s.URL, "http://"), "--threads=8", "--worker-tmp-dir=/tmp", "trytond.application:app")
	if s.stopWeb, err = s.startProcess(web, syscall.SIGTERM); err != nil {
		return err
	}
	return s.wait("Tryton", func() bool {
		answer, err := http.Get(s.URL + "/")
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	})
}

// program is one of the image's programs, on its own root file system and as its own user, with what was configured in a folder there.
func (s *Server) program(dir, name string, arguments ...string) *exec.Cmd {
	inside := strings.TrimPrefix(dir, s.root)
	command := exec.Command("/usr/bin/"+name, arguments...)
	command.Dir = "/"
	command.Env = []string{"PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "TRYTOND_CONFIG=" + inside + "/trytond.conf",
		"TRYTONPASSFILE=" + inside + "/password", "TRYTON_ADAPTER_PASSFILE=" + inside + "/adapter-password"}
	command.Stdout, command.Stderr = &s.log, &s.log
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: s.root, Credential: &syscall.Credential{Uid: trytonUser, Gid: trytonUser}, Setpgid: true}
	return command
}

func (s *Server) asPostgres(program string, arguments ...string) *exec.Cmd {
	command := exec.Command(agenttest.Program(program), arguments...)
	command.Dir = s.dir
	command.Stdout, command.Stderr = &s.log, &s.log
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: postgresUser, Gid: postgresUser}}
	return command
}

// startProcess starts a program, and gives what ends it.
func (s *Server) startProcess(command *exec.Cmd, stop syscall.Signal) (end func(), err error) {
	end = func() {
		_ = command.Process.Signal(stop)
		force := time.AfterFunc(10*time.Second, func() { _ = command.Process.Kill() })
		defer force.Stop()
		_ = command.Wait()
	}
	if err := command.Start(); err != nil {
		return func() {}, err
	}
	return end, nil
}

func (s *Server) sql(statement, database string) error {
	host, port, err := net.SplitHostPort(s.database)
	if err != nil {
		return err
	}
	command := exec.Command(agenttest.Program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--host="+host, "--port="+port,
		"--username=crm", "--dbname="+database, "--command="+statement)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, output)
	}
	return nil
}

func (s *Server) wait(what string, ready func() bool) error {
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
	for i := len(s.stop) - 1; i >= 0; i-- {
		s.stop[i]()
	}
}

// New gives a Tryton of the test's own, as it is after its first migration, with one company. Its connection works as crmkeep's own account.
func (s *Server) New(t testing.TB) *Tryton {
	t.Helper()
	s.Need(t)
	name := fmt.Sprintf("t%d", time.Now().UnixNano())
	if err := s.sql("CREATE DATABASE "+name+" TEMPLATE "+template, "postgres"); err != nil {
		t.Fatal(err)
	}
	tryton := &Tryton{server: s, Connection: access.Connection{
		HTTP: &http.Client{}, URL: s.URL, Database: name, Login: access.OperatorLogin, Password: secret.New(operatorPassword),
	}}
	tryton.Admin = tryton.Login(t, Admin, AdminPassword)
	tryton.foundCompany(t)
	return tryton
}
