package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/testing/loopback"
)

// agentArgument makes this program an agent. A process of its own has CPU time of its own.
const agentArgument = "agent"

func runAgent(args []string) (code int) {
	// The profile is written when the agent ends, which the agent's command does by itself at this signal.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if file := os.Getenv(profileEnv); file != "" {
		end, err := profile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer end()
	}
	command := agent.NewCommand()
	command.SetArgs(args)
	if err := command.ExecuteContext(ctx); err != nil {
		return 1
	}
	return 0
}

func profile(file string) (end func(), err error) {
	out, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); out.Close() }, pprof.StartCPUProfile(out) //nolint:errcheck // a profile for a person to look at
}

// agentProcess is an agent that runs.
type agentProcess struct {
	databaseAddress, healthAddress string
	// socketDir is where its socket for the database is.
	socketDir string
	process   *os.Process
}

// startAgent runs an agent until the benchmark ends, and waits until it has a certificate.
func startAgent(b *testing.B, cfg *config.Config, tokenFile, filesDir string) *agentProcess {
	b.Helper()
	text, err := json.Marshal(cfg)
	require.NoError(b, err)
	configFile := filepath.Join(b.TempDir(), config.FileName)
	require.NoError(b, os.WriteFile(configFile, text, 0o600))
	a := &agentProcess{databaseAddress: loopback.Address(b), healthAddress: loopback.Address(b)}
	// A socket's path may have no more than 107 bytes, which the benchmark's own folder has already.
	a.socketDir, err = os.MkdirTemp("", "s")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, os.RemoveAll(a.socketDir)) })
	command := exec.Command("/proc/self/exe", agentArgument, "--config", configFile, "--token-file", tokenFile, "--files-dir", filesDir,
		"--database-address", a.databaseAddress, "--database-socket-dir", a.socketDir,
		"--inbound-address", loopback.Address(b), "--health-address", a.healthAddress)
	var log strings.Builder
	command.Stdout, command.Stderr = &log, &log
	if cfg.Database == nil {
		// Only an agent that carries connections is worth a profile.
		command.Env = append(os.Environ(), profileEnv+"=")
	}
	require.NoError(b, command.Start())
	a.process = command.Process
	b.Cleanup(func() {
		require.NoError(b, a.process.Signal(syscall.SIGTERM))
		require.NoError(b, command.Wait(), "%s", &log)
	})
	awaitProbe(b, a.healthAddress, "/started")
	return a
}

func awaitProbe(b *testing.B, address, path string) {
	b.Helper()
	require.Eventually(b, func() bool {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+address+path, nil)
		require.NoError(b, err)
		response, err := http.DefaultClient.Do(request)
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
}

// cpuSeconds is the CPU time that the agent has used, to the hundredth of a second.
func (a *agentProcess) cpuSeconds(b *testing.B) float64 {
	b.Helper()
	const ticksPerSecond, user, system = 100, 14 - 3, 15 - 3
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.process.Pid))
	require.NoError(b, err)
	// The second field is a name in brackets, which may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int
	for _, i := range []int{user, system} {
		n, err := strconv.Atoi(fields[i])
		require.NoError(b, err)
		ticks += n
	}
	return float64(ticks) / ticksPerSecond
}
