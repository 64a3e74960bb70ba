package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent"
	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/testing/loopback"
)

const (
	eventually = 20 * time.Second
	poll       = 20 * time.Millisecond
)

func TestMain(m *testing.M) { agenttest.Main(m) }

// running is an agent that runs in this process.
type running struct {
	agent.Options
	log  *lockedBuffer
	stop func() error
}

// start runs an agent until the test ends, or stop is called.
func start(t *testing.T, cfg *config.Config, tokenFile, filesDir string) *running {
	t.Helper()
	return startIn(t, cfg, tokenFile, filesDir, shortDir(t))
}

// startIn is start with a given folder for the socket of the database.
func startIn(t *testing.T, cfg *config.Config, tokenFile, filesDir, socketDir string) *running {
	t.Helper()
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	configFile := filepath.Join(t.TempDir(), config.FileName)
	require.NoError(t, os.WriteFile(configFile, text, 0o600))
	r := &running{log: &lockedBuffer{}, Options: agent.Options{
		ConfigFile: configFile, TokenFile: tokenFile, FilesDir: filesDir,
		InboundAddress: loopback.Address(t), DatabaseAddress: loopback.Address(t), HealthAddress: loopback.Address(t), DatabaseSocketDir: socketDir,
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx, r.Options, slog.New(slog.NewJSONHandler(r.log, nil))) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		assert.ErrorIs(t, r.stop(), context.Canceled)
		if t.Failed() {
			t.Logf("agent %s:\n%s", cfg.Certificate.CommonName, r.log)
		}
	})
	return r
}

// shortDir is a folder for a socket, whose path may have no more than 107 bytes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// probe gives the status and the body of the answer to a probe, 0 when there is none.
func (r *running) probe(t *testing.T, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.HealthAddress+path, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close() //nolint:errcheck // only read from
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, strings.TrimSpace(string(body))
}

func (r *running) awaitProbe(t *testing.T, path string, want int, body string) {
	t.Helper()
	var status int
	var got string
	require.Eventually(t, func() bool {
		status, got = r.probe(t, path)
		return status == want && got == body
	}, eventually, poll, "%s should answer %d %s; log:\n%s", path, want, body, r.log)
}

func (r *running) awaitStarted(t *testing.T) {
	t.Helper()
	r.awaitProbe(t, "/started", http.StatusOK, "ok")
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
