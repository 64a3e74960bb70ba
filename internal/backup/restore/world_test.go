package restore_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/restore"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/backup/run"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

// world is an environment with rows and a file, and a backup of it in two locations, east and west.
type world struct {
	*backuptest.World
	east, west *s3test.Server
	locations  []config.Location
	digest     string
}

const rows = 50000

func newWorld(t *testing.T) *world {
	t.Helper()
	s3test.Restic(t)
	w := &world{World: backuptest.New(t)}
	w.Database.Execute(t, "create table contact (id int primary key, name text, note text)",
		"insert into contact select i, 'Li Na ' || i, md5(i::text) || md5((i * 7)::text) from generate_series(1, 50000) i",
		"select lo_from_bytea(4711, convert_to(repeat('letter', 10000), 'UTF8'))")
	w.writeFile(t, "offer.pdf", "an offer")
	w.locations = make([]config.Location, 2)
	w.east, w.locations[0] = w.Location(t, "east")
	w.west, w.locations[1] = w.Location(t, "west")
	w.digest = w.backup(t, "nightly-1").digest
	return w
}

// made is a backup that was made: its manifest's digest and the number of files in it.
type made struct {
	digest string
	files  int64
}

func (w *world) backup(t *testing.T, id string) made {
	t.Helper()
	cfg := w.Config(t, naming.ComponentBackup, w.locations...)
	cfg.Backup = &config.Backup{ID: id, Tenant: backuptest.Tenant, Environment: backuptest.Environment, Class: "tryton", Version: "6.0"}
	o := w.Options(t, naming.ComponentBackup, cfg)
	require.NoError(t, run.Run(t.Context(), o, slog.New(slog.DiscardHandler)))
	document, err := os.ReadFile(w.east.File("backups", backuptest.Prefix+"/manifests/"+id+".json"))
	require.NoError(t, err)
	var signed evidence.Certificate
	require.NoError(t, json.Unmarshal(document, &signed))
	var m manifest.Manifest
	require.NoError(t, json.Unmarshal([]byte(signed.Statement), &m))
	return made{digest: resultOf(t, o).ManifestDigest, files: m.Volumes[0].Files}
}

// lose is what happens to data.
func (w *world) lose(t *testing.T) {
	t.Helper()
	w.Database.Execute(t, "delete from contact where id > 10", "update contact set name = 'ransom'")
	require.NoError(t, os.RemoveAll(w.file("offer.pdf")))
	w.writeFile(t, "ransom.txt", "pay")
}

func (w *world) file(name string) string { return filepath.Join(w.VolumesDir, backuptest.Volume, name) }

func (w *world) writeFile(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(w.file(name), []byte(content), 0o600))
}

// isLost tells that nothing was brought back, and that nothing is left of a try.
func (w *world) isLost(t *testing.T) {
	t.Helper()
	assert.Equal(t, int64(10), w.count(t))
	assert.FileExists(t, w.file("ransom.txt"))
	assert.NoFileExists(t, w.file("offer.pdf"))
}

func (w *world) isBack(t *testing.T) {
	t.Helper()
	assert.Equal(t, int64(rows), w.count(t))
	assert.NoFileExists(t, w.file("ransom.txt"))
	content, err := os.ReadFile(w.file("offer.pdf"))
	require.NoError(t, err)
	assert.Equal(t, "an offer", string(content))
}

// isClean tells that nothing but the environment itself is there.
func (w *world) isClean(t *testing.T) {
	t.Helper()
	assert.Equal(t, []string{"crm"}, w.databases(t))
	left, err := filepath.Glob(w.file(".crmkeep-*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func (w *world) count(t *testing.T) (rows int64) {
	t.Helper()
	conn := w.Database.Socket(t, agenttest.DatabaseName)
	defer w.Database.Leave(t, conn)
	require.NoError(t, conn.QueryRow(t.Context(), "select count(*) from contact").Scan(&rows))
	return rows
}

func (w *world) databases(t *testing.T) []string {
	t.Helper()
	conn := w.Database.Socket(t, "postgres")
	defer conn.Close(t.Context()) //nolint:errcheck // nothing is pending on it
	found, err := conn.Query(t.Context(), "select datname::text from pg_database where datdba = 'crm'::regrole order by 1")
	require.NoError(t, err)
	names, err := pgx.CollectRows(found, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

// config of a restore of the backup. Its rights in Vault are a restore's.
func (w *world) config(t *testing.T) config.Config {
	t.Helper()
	cfg := w.Config(t, naming.ComponentRestore, w.locations...)
	cfg.Restore = &config.Restore{
		ID: "nightly-1", ManifestDigest: w.digest, Tenant: backuptest.Tenant, Environment: backuptest.Environment, Name: "friday",
	}
	return cfg
}

// execute runs a restore to its end and gives the result.
func (w *world) execute(t *testing.T, cfg config.Config) (result.Result, error) {
	t.Helper()
	o := w.Options(t, naming.ComponentRestore, cfg)
	var log bytes.Buffer
	err := restore.Run(t.Context(), o, slog.New(slog.NewJSONHandler(&log, nil)))
	assert.NotContains(t, log.String(), "Li Na", "no value of a row should be logged")
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
