package restore_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/restore"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

const copysDataKey = "crmkeep-kv/data/" + backuptest.Copy + "/data-key"

func fillsCopy(t *testing.T, w *world) {
	// The run's own environment stands for the copy; only the keys are the copy's.
	cfg := w.config(t)
	cfg.Restore.Name = "fill"
	cfg.Keys.RewrapPath, cfg.Keys.RewrappedPath = "crmkeep-transit/encrypt/"+backuptest.Copy, copysDataKey
	source := w.unwrapped(t, "crm-acme--prod", w.config(t).Keys.WrappedPath)

	// Killed in the middle of the swap, it has the key; the next run neither needs nor makes another.
	superuser := w.Database.Socket(t, agenttest.DatabaseName) // its session may not be ended, which holds the swap up
	w.killWith(t, cfg, result.StageSwap)
	w.Database.Leave(t, superuser)
	assert.Equal(t, source, w.unwrapped(t, backuptest.Copy, copysDataKey))
	_, err := w.execute(t, cfg)
	require.NoError(t, err)
	w.isBack(t)

	// From the start again, as after an attempt that failed late.
	undo, again := cfg, cfg
	undo.Restore = &config.Restore{Name: "fill", Undo: true}
	_, err = w.execute(t, undo)
	require.NoError(t, err)
	again.Restore.Name = "fill-again"
	_, err = w.execute(t, again)
	require.NoError(t, err)
	assert.Equal(t, source, w.unwrapped(t, backuptest.Copy, copysDataKey))
	w.isBack(t)
	undo.Restore = &config.Restore{Name: "fill-again", Undo: true}
	_, err = w.execute(t, undo)
	require.NoError(t, err)
	w.isLost(t)

	// A key that somebody else made would leave what the application has encrypted unreadable.
	other, err := w.Root.Logical().Write("crmkeep-transit/datakey/wrapped/"+backuptest.Copy, nil)
	require.NoError(t, err)
	_, err = w.Root.Logical().Write(copysDataKey, map[string]any{"data": map[string]any{"ciphertext": other.Data["ciphertext"]}})
	require.NoError(t, err)
	r, err := w.execute(t, cfg)
	require.Error(t, err)
	assert.Equal(t, restore.ReasonDataKeyExists, r.Reason)
	assert.True(t, r.Refused)
	assert.Contains(t, r.Message, "another name")
	w.isLost(t)
	w.isClean(t)
}

// unwrapped is the data key at a path, as an administrator of Vault sees it.
func (w *world) unwrapped(t *testing.T, key, path string) string {
	t.Helper()
	stored, err := w.Root.Logical().Read(path)
	require.NoError(t, err)
	require.NotNil(t, stored, "there is no data key at %s", path)
	data, ok := stored.Data["data"].(map[string]any)
	require.True(t, ok)
	opened, err := w.Root.Logical().Write("crmkeep-transit/decrypt/"+key, map[string]any{"ciphertext": data["ciphertext"]})
	require.NoError(t, err)
	return opened.Data["plaintext"].(string)
}
