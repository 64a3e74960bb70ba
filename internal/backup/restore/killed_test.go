package restore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/database"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/naming"
)

func killed(t *testing.T, w *world) {
	// What is read is verified while more is read, so Verify is over in no time.
	for _, stage := range []string{result.StagePrepare, result.StageRead} {
		w.kill(t, stage)
		w.isLost(t)
	}

	w.killInTheSwap(t)
	w.isLost(t)
	undo := w.config(t)
	undo.Restore.Undo = true
	_, err := w.execute(t, undo)
	require.NoError(t, err)
	w.isLost(t)
	w.isClean(t)

	w.killInTheSwap(t)
	// As if it had been killed when the database was swapped and the files were not.
	server := database.Server{
		Address: w.Database.Address, ServerName: agenttest.DatabaseHost, Name: agenttest.DatabaseName,
		User: naming.RestoreRole(agenttest.DatabaseName), Owner: agenttest.DatabaseName, CertDir: w.Database.CertDir(t, naming.ComponentRestore),
	}
	require.Eventually(t, func() bool { return database.Swap(t.Context(), server, "friday") == nil }, 30*time.Second, 100*time.Millisecond)
	assert.Equal(t, int64(rows), w.count(t))
	assert.FileExists(t, w.file("ransom.txt"))
	r, err := w.execute(t, w.config(t))
	require.NoError(t, err)
	assert.Empty(t, r.Reason, r.Message)
	w.isBack(t)
	cfg := w.config(t)
	cfg.Restore.Drop = true
	_, err = w.execute(t, cfg)
	require.NoError(t, err)
}

// kill starts a restore and kills it at a stage.
func (w *world) kill(t *testing.T, stage string) {
	t.Helper()
	w.killWith(t, w.config(t), stage)
}

// killInTheSwap holds the swap up in its middle, by a session that may not be ended.
func (w *world) killInTheSwap(t *testing.T) {
	t.Helper()
	superuser := w.Database.Socket(t, agenttest.DatabaseName)
	w.kill(t, result.StageSwap)
	w.Database.Leave(t, superuser)
}

func (w *world) killWith(t *testing.T, cfg config.Config, stage string) {
	t.Helper()
	o := w.Options(t, naming.ComponentRestore, cfg)
	process := backuptest.Start(t, o)
	require.Eventually(t, func() bool {
		p, err := backuptest.Progress(t.Context(), o)
		return err == nil && p.Stage == stage
	}, time.Minute, time.Millisecond, "the run should be at stage %s", stage)
	require.NoError(t, process.Process.Kill())
	_ = process.Wait()
	assert.NoFileExists(t, o.ResultFile)
}
