package restore_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/restore"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

func TestARestore(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		does string
		test func(*testing.T, *world)
	}{
		{"is refused before anything is touched when it could not succeed", refused},
		{"leaves the old state when it is killed and is completed by the next run", killed},
		{"brings lost data back and can be undone or confirmed", undoneOrConfirmed},
		{"gives a copy the data key of its source before it counts, once", fillsCopy},
		{"leaves a damaged location for the next", damaged},
	} {
		t.Run(c.does, func(t *testing.T) {
			w.lose(t)
			c.test(t, w)
		})
	}
}

func undoneOrConfirmed(t *testing.T, w *world) {
	client, err := w.Database.Connect(t, "web", "crm", "crm")
	require.NoError(t, err)

	inFull := w.config(t)
	inFull.Restore.ReadBack = true
	r, err := w.execute(t, inFull)
	require.NoError(t, err)
	assert.Empty(t, r.Reason, r.Message)
	assert.Equal(t, w.digest, r.ManifestDigest)
	assert.EqualValues(t, rows+1, r.Rows)
	for _, stage := range []string{result.StagePrepare, result.StageRead, result.StageVerify, result.StageSwap} {
		assert.Contains(t, r.Seconds, stage)
	}
	w.isBack(t)
	_, err = client.Exec(t.Context(), "select 1")
	require.Error(t, err, "a client that was connected should have to come back")
	_, err = w.execute(t, w.config(t))
	require.NoError(t, err, "the run of a Job's second pod should do nothing")
	assert.EqualValues(t, 1, w.backup(t, "while-kept").files, "what is kept of the old files should be in no backup")

	undo, drop := w.config(t), w.config(t)
	undo.Restore.Undo, drop.Restore.Drop = true, true
	_, err = w.execute(t, undo)
	require.NoError(t, err)
	w.isLost(t)
	w.isClean(t)
	_, err = w.execute(t, undo)
	require.NoError(t, err, "again it should do nothing")
	w.isLost(t)

	_, err = w.execute(t, w.config(t))
	require.NoError(t, err)
	_, err = w.execute(t, drop)
	require.NoError(t, err)
	w.isBack(t)
	w.isClean(t)
}

func damaged(t *testing.T, w *world) {
	damage(t, w.east)
	r, err := w.execute(t, w.config(t))
	require.NoError(t, err)
	assert.Contains(t, r.Locations[0].Message, "damaged")
	assert.Empty(t, r.Locations[1].Message)
	w.isBack(t)

	damage(t, w.west)
	cfg := w.config(t)
	cfg.Restore.Name = "saturday"
	w.lose(t)
	r, err = w.execute(t, cfg)
	require.Error(t, err)
	assert.Equal(t, string(restic.Damaged), r.Reason)
	assert.False(t, r.Refused)
	w.isLost(t)
	assert.Len(t, w.databases(t), 2, "beside the one that friday's restore keeps, none is left")

	t.Run("and one that is away", func(t *testing.T) {
		w.east.Stop(t)
		w.west.Stop(t)
		r, err := w.execute(t, cfg)
		require.ErrorContains(t, err, "Unreachable")
		assert.True(t, r.Refused)
		assert.Equal(t, 1, job.ExitCode(err), "it may be back by the next attempt")
	})
}

// damage flips a byte in the middle of every pack of a repository.
func damage(t *testing.T, server *s3test.Server) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(server.File("backups", backuptest.Prefix+"/repository/data"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && len(content) > 0 {
			content[len(content)/2] ^= 1
			err = os.WriteFile(path, content, 0o600)
		}
		return err
	}))
}

func refused(t *testing.T, w *world) {
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, cfg *config.Config)
		reason string
	}{
		"another digest": {func(_ *testing.T, cfg *config.Config) { cfg.Restore.ManifestDigest = strings.Repeat("0", 64) },
			restore.ReasonManifestMismatch},
		"another backup": {func(_ *testing.T, cfg *config.Config) { cfg.Restore.ID = "nightly-2" }, restore.ReasonManifestMissing},
		"another tenant": {func(_ *testing.T, cfg *config.Config) { cfg.Restore.Tenant = "evil" }, restore.ReasonManifestMismatch},
		"another environment": {func(_ *testing.T, cfg *config.Config) { cfg.Restore.Environment = "test" },
			restore.ReasonManifestMismatch},
		"a manifest in another place": {func(t *testing.T, cfg *config.Config) {
			other := w.east.File("backups", "elsewhere/manifests/nightly-1.json")
			require.NoError(t, os.MkdirAll(filepath.Dir(other), 0o700))
			require.NoError(t, os.WriteFile(other, document(t, w.east), 0o600))
			cfg.Locations = []config.Location{w.east.Location("east", "backups", "elsewhere")}
		}, restore.ReasonManifestMismatch},
		"a volume that is not there": {func(_ *testing.T, cfg *config.Config) { cfg.Volumes = nil }, restore.ReasonVolumeMissing},
		"a server without room":      {func(_ *testing.T, cfg *config.Config) { cfg.Database.StorageBytes = 16 << 20 }, restore.ReasonNoRoom},
		"no location":                {func(_ *testing.T, cfg *config.Config) { cfg.Locations = nil }, restore.ReasonNothingToDo},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := w.config(t)
			c.spoil(t, &cfg)
			w.isRefused(t, cfg, c.reason)
		})
	}
	t.Run("a manifest that was tampered with", func(t *testing.T) {
		before := document(t, w.east)
		var signed map[string]any
		require.NoError(t, json.Unmarshal(before, &signed))
		signed["statement"] = strings.Replace(signed["statement"].(string), `"6.0"`, `"6.1"`, 1)
		forged, err := json.Marshal(signed)
		require.NoError(t, err)
		for _, server := range []*s3test.Server{w.east, w.west} {
			require.NoError(t, os.WriteFile(manifestFile(server), forged, 0o600))
		}
		cfg := w.config(t)
		cfg.Restore.ManifestDigest = manifest.Digest(forged)
		w.isRefused(t, cfg, restore.ReasonManifestUntrusted)
		for _, server := range []*s3test.Server{w.east, w.west} {
			require.NoError(t, os.WriteFile(manifestFile(server), before, 0o600))
		}
	})
	t.Run("a key version that does not decrypt any more", func(t *testing.T) {
		key := "crmkeep-transit/keys/" + naming.WorkloadNamespace(backuptest.Tenant, backuptest.Environment)
		_, err := w.Root.Logical().Write(key+"/rotate", nil)
		require.NoError(t, err)
		setOldest := func(version int) {
			_, err := w.Root.Logical().Write(key+"/config", map[string]any{"min_decryption_version": version})
			require.NoError(t, err)
		}
		setOldest(2)
		w.isRefused(t, w.config(t), restore.ReasonKeyUnavailable)
		setOldest(1)
	})
}

func (w *world) isRefused(t *testing.T, cfg config.Config, reason string) {
	t.Helper()
	r, err := w.execute(t, cfg)
	require.Error(t, err)
	assert.Equal(t, reason, r.Reason, r.Message)
	assert.NotEmpty(t, r.Message)
	assert.True(t, r.Refused)
	assert.Equal(t, config.ExitLasting, job.ExitCode(err), "another attempt would be refused, too")
	w.isLost(t)
	w.isClean(t)
}

func manifestFile(server *s3test.Server) string {
	return server.File("backups", backuptest.Prefix+"/manifests/nightly-1.json")
}

func document(t *testing.T, server *s3test.Server) []byte {
	t.Helper()
	content, err := os.ReadFile(manifestFile(server))
	require.NoError(t, err)
	return content
}
