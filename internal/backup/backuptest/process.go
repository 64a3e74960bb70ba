package backuptest

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// Start runs the command that Main was given as a process of its own, killed when the test ends.
func Start(t *testing.T, o job.Options) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	process := exec.Command(self, "--config", o.ConfigDir, "--token-file", o.TokenFile, "--scratch-dir", o.ScratchDir,
		"--volumes-dir", o.VolumesDir, "--result", o.ResultFile, "--progress-address", o.ProgressAddress)
	process.Env = append(os.Environ(), AsCommandEnv+"=1")
	process.Stderr = os.Stderr
	require.NoError(t, process.Start())
	t.Cleanup(func() { _ = process.Process.Kill() })
	return process
}

// Progress asks a run how far it is.
func Progress(ctx context.Context, o job.Options) (p result.Progress, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.ProgressAddress+"/progress", http.NoBody)
	if err != nil {
		return p, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return p, err
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	return p, json.NewDecoder(response.Body).Decode(&p)
}
