package run_test

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/backup/run"
)

// awaitStage waits until a run is at a stage and has done so many bytes.
func awaitStage(t *testing.T, o job.Options, stage string, bytes int64) {
	t.Helper()
	assert.Eventually(t, func() bool {
		p, err := backuptest.Progress(t.Context(), o)
		return err == nil && p.Stage == stage && p.BytesDone >= bytes
	}, time.Minute, 2*time.Millisecond, "the run should come to stage %s", stage)
}

func killed(t *testing.T, w *world) {
	east, _ := w.locations(t)
	cfg := w.config(t, "once", east)
	for _, stage := range []string{result.StagePrepare, result.StageDatabase, result.StageVolumes, result.StageVerify} {
		o := w.options(t, cfg)
		process := backuptest.Start(t, o)
		awaitStage(t, o, stage, 0)
		require.NoError(t, process.Process.Kill())
		_ = process.Wait()
		assert.NoFileExists(t, o.ResultFile, stage)
		assert.Empty(t, w.backups(t, cfg, east), stage)
	}
	r, err := w.execute(t, cfg)
	require.NoError(t, err)
	assert.Empty(t, r.Reason, r.Message)
	assert.Equal(t, []string{"once"}, w.backups(t, cfg, east))
	left, err := w.open(t, cfg, east).Snapshots(t.Context(), "")
	require.NoError(t, err)
	assert.Len(t, left, 2, "what the dead runs have left is gone")
}

func stopped(t *testing.T, w *world) {
	east, _ := w.locations(t)
	cfg := w.config(t, "once", east)
	o := w.options(t, cfg)
	process := backuptest.Start(t, o)
	awaitStage(t, o, result.StageDatabase, 0)
	require.NoError(t, process.Process.Signal(syscall.SIGTERM))
	var ended *exec.ExitError
	require.ErrorAs(t, process.Wait(), &ended)
	assert.Equal(t, 1, ended.ExitCode(), "Kubernetes may try again")
	r := resultOf(t, o)
	assert.Equal(t, run.ReasonInterrupted, r.Reason)
	assert.Equal(t, "the run was stopped", r.Locations[0].Message)
	assert.Empty(t, w.backups(t, cfg, east))

	cfg.Backup = nil
	process = backuptest.Start(t, w.options(t, cfg))
	require.ErrorAs(t, process.Wait(), &ended)
	assert.Equal(t, config.ExitLasting, ended.ExitCode(), "Kubernetes should not try again what asks for nothing")
}

func sealed(t *testing.T, w *world) {
	east, _ := w.locations(t)
	o := w.options(t, w.config(t, "once", east))
	process := backuptest.Start(t, o)
	awaitStage(t, o, result.StageVolumes, 0)
	w.Vault.Seal(t)
	awaitStage(t, o, result.StageManifest, 0)
	w.Vault.Unseal(t)
	require.NoError(t, process.Wait())
	assert.Empty(t, resultOf(t, o).Reason)
}
