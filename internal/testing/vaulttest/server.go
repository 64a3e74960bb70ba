// Package vaulttest runs a real Vault server as a process for tests: state in a temporary folder, unsealed, on a free port of
// localhost, ended with the test.
package vaulttest

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/testing/loopback"
	need "github.com/crmkeep/crmkeep/internal/testing/require"
)

// BinaryEnv names the environment variable with the path of the server; hack/devvault builds it.
const BinaryEnv = "CRMKEEP_VAULT_BINARY"

const startTimeout = 30 * time.Second

// Server is a running Vault.
type Server struct {
	// Address is its URL, "http://127.0.0.1:port".
	Address string
	// RootToken may do everything.
	RootToken string

	listen    string
	dir       string
	unsealKey string
	process   *exec.Cmd
}

// Start runs a Vault until the test ends. Without BinaryEnv it skips the test.
func Start(t testing.TB) *Server {
	t.Helper()
	need.Env(t, BinaryEnv, "a real Vault, built from hack/devvault")
	s := &Server{listen: loopback.Address(t), dir: t.TempDir()}
	s.Address = "http://" + s.listen
	s.run(t)
	t.Cleanup(func() { s.Stop(t) })

	var keys struct{ RootToken, UnsealKey string }
	content, err := os.ReadFile(s.keysFile())
	if err == nil {
		err = json.Unmarshal(content, &keys)
	}
	if err != nil {
		t.Fatalf("read the keys of the new Vault: %v", err)
	}
	s.RootToken, s.unsealKey = keys.RootToken, keys.UnsealKey
	s.waitStatus(t, http.StatusOK)
	return s
}

// Client makes a client with a token. It does not retry.
func (s *Server) Client(t testing.TB, token string) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	config.Address = s.Address
	config.MaxRetries = 0
	client, err := api.NewClient(config)
	if err != nil {
		t.Fatalf("make a Vault client: %v", err)
	}
	client.SetToken(token)
	return client
}

// Root makes a client with the root token.
func (s *Server) Root(t testing.TB) *api.Client { return s.Client(t, s.RootToken) }

// Seal seals the server: every call but health and unseal fails until Unseal.
func (s *Server) Seal(t testing.TB) {
	t.Helper()
	if err := s.Root(t).Sys().Seal(); err != nil {
		t.Fatalf("seal Vault: %v", err)
	}
	s.waitStatus(t, http.StatusServiceUnavailable)
}

// Unseal undoes Seal, and is needed after Restart.
func (s *Server) Unseal(t testing.TB) {
	t.Helper()
	if _, err := s.Root(t).Sys().Unseal(s.unsealKey); err != nil {
		t.Fatalf("unseal Vault: %v", err)
	}
	s.waitStatus(t, http.StatusOK)
}

// Stop ends the process; what it stored stays until the test ends.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	process := s.process
	s.process = nil
	_ = process.Process.Signal(syscall.SIGTERM)
	force := time.AfterFunc(startTimeout, func() { _ = process.Process.Kill() })
	defer force.Stop()
	_ = process.Wait()
}

// Restart starts a stopped server on the same address with what it had stored. It is sealed then.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.run(t)
	s.waitStatus(t, http.StatusServiceUnavailable)
}

// Copy gives a folder with a copy of all that is stored, as a snapshot would have it. The server is restarted for it, and unsealed.
func (s *Server) Copy(t testing.TB) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	s.Stop(t)
	if err := os.CopyFS(copied, os.DirFS(s.storage())); err != nil {
		t.Fatalf("copy Vault's storage: %v", err)
	}
	s.Restart(t)
	s.Unseal(t)
	return copied
}

// Restore puts a copy in the place of what is stored. The server is restarted for it, and unsealed.
func (s *Server) Restore(t testing.TB, copied string) {
	t.Helper()
	s.Stop(t)
	err := os.RemoveAll(s.storage())
	if err == nil {
		err = os.CopyFS(s.storage(), os.DirFS(copied))
	}
	if err != nil {
		t.Fatalf("restore Vault's storage: %v", err)
	}
	s.Restart(t)
	s.Unseal(t)
}

func (s *Server) storage() string { return filepath.Join(s.dir, "storage") }

func (s *Server) keysFile() string { return filepath.Join(s.dir, "keys.json") }

// run starts the process and returns when it listens.
func (s *Server) run(t testing.TB) {
	t.Helper()
	process := exec.Command(os.Getenv(BinaryEnv),
		"-listen", s.listen, "-file", s.storage(), "-keys", s.keysFile())
	var log strings.Builder
	process.Stderr = &log
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatalf("start Vault: %v", err)
	}
	if err := process.Start(); err != nil {
		t.Fatalf("start Vault: %v", err)
	}
	force := time.AfterFunc(startTimeout, func() { _ = process.Process.Kill() })
	defer force.Stop()
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.HasPrefix(line, "ready") {
		_ = process.Wait()
		t.Fatalf("Vault did not start: %v\n%s", err, log.String())
	}
	s.process = process
}

// waitStatus polls the health endpoint, whose status code tells sealed (503) from active (200).
func (s *Server) waitStatus(t testing.TB, want int) {
	t.Helper()
	deadline := time.After(startTimeout)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := s.health()
		if err == nil && status == want {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the health of Vault is %d, %v; want %d", status, err, want)
		}
	}
}

func (s *Server) health() (status int, err error) {
	resp, err := http.Get(s.Address + "/v1/sys/health")
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
