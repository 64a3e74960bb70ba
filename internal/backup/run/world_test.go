package run_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/repository"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/backup/run"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

// world is an environment with rows and files, and two locations.
type world struct {
	*backuptest.World
	east, west     *s3test.Server
	toEast, toWest config.Location
	repositories   int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s3test.Restic(t)
	w := &world{World: backuptest.New(t)}
	w.east, w.toEast = w.Location(t, "east")
	w.west, w.toWest = w.Location(t, "west")
	w.Database.Execute(t, `create table contact (id int primary key, name text, note text)`,
		`insert into contact select i, 'Li Na ' || i, md5(i::text) || md5((i * 7)::text) from generate_series(1, 200000) i`)
	require.NoError(t, os.WriteFile(filepath.Join(w.VolumesDir, backuptest.Volume, "offer.pdf"), bytes.Repeat([]byte("offer "), 10000), 0o600))
	return w
}

// locations with a new repository in each.
func (w *world) locations(t *testing.T) (east, west config.Location) {
	t.Helper()
	w.Credentials(t, "east", w.east.AccessKeyID, w.east.SecretAccessKey)
	w.Credentials(t, "west", w.west.AccessKeyID, w.west.SecretAccessKey)
	w.repositories++
	east, west = w.toEast, w.toWest
	east.Prefix += string(rune('a' + w.repositories))
	west.Prefix = east.Prefix
	return east, west
}

// small is a location, of the name east, whose disk is smaller than the backup.
func (w *world) small(t *testing.T, prefix string) config.Location {
	t.Helper()
	server := s3test.StartSmall(t, "3m", "backups")
	w.Credentials(t, "east", server.AccessKeyID, server.SecretAccessKey)
	return server.Location("east", "backups", prefix)
}

// config of a backup with the ID.
func (w *world) config(t *testing.T, id string, locations ...config.Location) config.Config {
	t.Helper()
	cfg := w.Config(t, naming.ComponentBackup, locations...)
	cfg.Backup = &config.Backup{
		ID: id, Tenant: backuptest.Tenant, Environment: backuptest.Environment, Class: "tryton", Version: "6.0", Schedule: "nightly",
	}
	return cfg
}

func (w *world) options(t *testing.T, cfg config.Config) job.Options {
	t.Helper()
	return w.Options(t, naming.ComponentBackup, cfg)
}

// execute runs to the end and gives the result.
func (w *world) execute(t *testing.T, cfg config.Config) (result.Result, error) {
	t.Helper()
	return w.run(t, w.options(t, cfg))
}

func (w *world) run(t *testing.T, o job.Options) (result.Result, error) {
	t.Helper()
	var log bytes.Buffer
	err := run.Run(t.Context(), o, slog.New(slog.NewJSONHandler(&log, nil)))
	return resultOf(t, o), err
}

func resultOf(t *testing.T, o job.Options) result.Result {
	t.Helper()
	message, err := os.ReadFile(o.ResultFile)
	require.NoError(t, err)
	r, err := result.ParseResult(string(message), []string{"east", "west"})
	require.NoError(t, err, string(message))
	return r
}

// open a repository as a restore does, with all rights.
func (w *world) open(t *testing.T, cfg config.Config, location config.Location) *repository.Repository {
	t.Helper()
	opener := repository.Opener{Vault: rootVault{w.World}, Keys: cfg.Keys, Dir: t.TempDir()}
	opened, err := opener.Open(t.Context(), location)
	require.NoError(t, err)
	return opened
}

// manifest of a backup and its digest.
func (w *world) manifest(t *testing.T, cfg config.Config, location config.Location, id string) (manifest.Manifest, string) {
	t.Helper()
	document, err := w.open(t, cfg, location).Store.Manifest(t.Context(), id)
	require.NoError(t, err)
	trusted, err := keys.Evidence(t.Context(), rootVault{w.World}, cfg.Keys)
	require.NoError(t, err)
	m, err := manifest.Read(document, trusted[1])
	require.NoError(t, err)
	return m, manifest.Digest(document)
}

// backups that a location holds.
func (w *world) backups(t *testing.T, cfg config.Config, location config.Location) []string {
	t.Helper()
	opener := repository.Opener{Vault: rootVault{w.World}, Keys: cfg.Keys, Dir: t.TempDir()}
	opened, err := opener.OpenOrCreate(t.Context(), location)
	require.NoError(t, err)
	ids, err := opened.Store.Manifests(t.Context())
	require.NoError(t, err)
	return ids
}

// rootVault may do everything.
type rootVault struct{ *backuptest.World }

func (v rootVault) Read(_ context.Context, path string) (map[string]any, error) {
	answer, err := v.Root.Logical().Read(path)
	if answer == nil {
		return nil, err
	}
	return answer.Data, err
}

func (v rootVault) Write(_ context.Context, path string, body map[string]any) (map[string]any, error) {
	answer, err := v.Root.Logical().Write(path, body)
	if answer == nil {
		return nil, err
	}
	return answer.Data, err
}
