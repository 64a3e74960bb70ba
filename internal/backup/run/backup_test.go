package run_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/backup/run"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// The tests share a world, because it takes longer to make than to back up.
func TestBackups(t *testing.T) {
	w := newWorld(t)
	for sentence, test := range map[string]func(*testing.T, *world){
		"a backup is in both locations and a second one uploads what changed":      bothLocations,
		"a backup needs the oldest version of the key that wraps anything of it":   oldestKeyVersion,
		"a location that fails falls out and the other holds the backup":           oneLocationFails,
		"a backup that no location holds fails":                                    noLocationLeft,
		"a database that cannot be read fails the backup and leaves no manifest":   noDatabase,
		"care forgets backups and finds damage and sees when a repository is gone": care,
		"a run that asks for nothing or for a name that is none is refused":        nothingToDo,
		"a run that is stopped says so and counts for nothing":                     stopped,
		"a run waits for a Vault that is sealed in the middle":                     sealed,
		"a run that is killed counts for nothing and the next one succeeds":        killed,
		"a store that goes away in the middle falls out and half does not count":   storeGone,
		"a store that is full falls out and half does not count":                   storeFull,
	} {
		t.Run(sentence, func(t *testing.T) { test(t, w) })
	}
}

func bothLocations(t *testing.T, w *world) {
	east, west := w.locations(t)
	cfg := w.config(t, "nightly-1", east, west)
	first, err := w.execute(t, cfg)
	require.NoError(t, err)
	assert.Empty(t, first.Reason, first.Message)
	assert.GreaterOrEqual(t, first.Rows, int64(200000))
	assert.EqualValues(t, 1, first.KeyVersion)
	require.Len(t, first.Locations, 2)

	m, digest := w.manifest(t, cfg, east, "nightly-1")
	same, _ := w.manifest(t, cfg, west, "nightly-1")
	assert.Equal(t, m, same)
	assert.Equal(t, first.ManifestDigest, digest)
	assert.Equal(t, []string{"acme", "prod", "tryton", "6.0", "crm-acme--prod"}, []string{m.Tenant, m.Environment, m.Class, m.Version, m.Key})
	assert.Equal(t, []manifest.Volume{{Name: backuptest.Volume, Files: 1, Bytes: 60000}}, m.Volumes)
	assert.True(t, strings.HasPrefix(m.DataKey, "vault:v1:"))
	assert.NotEqual(t, m.Locations[0].Password, m.Locations[1].Password)
	for i, location := range []config.Location{east, west} {
		assert.Equal(t, first.Locations[i].Snapshots[0], m.Locations[i].Database[:8])
		var dump bytes.Buffer
		require.NoError(t, w.open(t, cfg, location).Dump(t.Context(), m.Locations[i].Database, "database.sql", &dump))
		assert.EqualValues(t, m.Database.Bytes, dump.Len())
		assert.Contains(t, dump.String(), "Li Na 4711")
	}

	w.Database.Execute(t, `update contact set note = 'Wang Fang' where id > 199000`)
	cfg = w.config(t, "nightly-2", east, west)
	second, err := w.execute(t, cfg)
	require.NoError(t, err)
	for i := range second.Locations {
		assert.Less(t, second.Locations[i].BytesAdded*2, first.Locations[i].BytesAdded, "most of the rows did not change")
	}
	after, _ := w.manifest(t, cfg, east, "nightly-2")
	assert.Equal(t, table(m, "public.contact").Rows, table(after, "public.contact").Rows)
	assert.NotEqual(t, table(m, "public.contact").Digest, table(after, "public.contact").Digest)
}

func table(m manifest.Manifest, name string) manifest.Table {
	for _, t := range m.Database.Tables {
		if t.Name == name {
			return t
		}
	}
	return manifest.Table{}
}

func oldestKeyVersion(t *testing.T, w *world) {
	east, west := w.locations(t)
	_, err := w.execute(t, w.config(t, "before", east))
	require.NoError(t, err)
	_, err = w.Root.Logical().Write("crmkeep-transit/keys/"+naming.WorkloadNamespace(backuptest.Tenant, backuptest.Environment)+"/rotate", nil)
	require.NoError(t, err)
	cfg := w.config(t, "after", east, west)
	after, err := w.execute(t, cfg)
	require.NoError(t, err)
	m, _ := w.manifest(t, cfg, west, "after")
	assert.True(t, strings.HasPrefix(m.Locations[1].Password, "vault:v2:"), "a new repository has the newest version")
	assert.EqualValues(t, 1, after.KeyVersion, "and an old one what it began with")
}

func oneLocationFails(t *testing.T, w *world) {
	east, west := w.locations(t)
	west.Bucket = "nowhere"
	cfg := w.config(t, "once", west, east)
	r, err := w.execute(t, cfg)
	require.NoError(t, err, "one location is enough")
	assert.Equal(t, run.ReasonPartiallyFailed, r.Reason)
	assert.Contains(t, r.Locations[0].Message, "no bucket nowhere")
	assert.Empty(t, r.Locations[1].Message)
	m, _ := w.manifest(t, cfg, east, "once")
	require.Len(t, m.Locations, 1)
	assert.Equal(t, "east", m.Locations[0].Name)
}

func noLocationLeft(t *testing.T, w *world) {
	for sentence, test := range map[string]struct {
		spoil  func(t *testing.T, l *config.Location)
		reason store.Cause
		says   string
	}{
		"the bucket is missing": {func(_ *testing.T, l *config.Location) { l.Bucket = "nowhere" }, store.BucketMissing, "no bucket nowhere"},
		"the credentials are wrong": {func(t *testing.T, _ *config.Location) { w.Credentials(t, "east", "nobody", "hunter2") },
			store.AccessDenied, "refuses the credentials at crmkeep-kv/data/locations/east"},
		"the credentials are missing": {func(_ *testing.T, l *config.Location) { l.CredentialsPath = "crmkeep-kv/data/locations/none" },
			store.CredentialsMissing, "has no accessKeyID"},
		"the certificate is not trusted": {func(_ *testing.T, l *config.Location) { l.CABundle = "" },
			store.CertificateUntrusted, "is not trusted"},
	} {
		t.Run(sentence, func(t *testing.T) {
			east, _ := w.locations(t)
			test.spoil(t, &east)
			r, err := w.execute(t, w.config(t, "once", east))
			require.Error(t, err)
			assert.EqualValues(t, test.reason, r.Reason)
			assert.Contains(t, r.Message, test.says)
			assert.Contains(t, r.Locations[0].Message, test.says)
			assert.NotContains(t, err.Error(), "hunter2")
			assert.Empty(t, r.ManifestDigest)
			assert.Equal(t, config.ExitLasting, job.ExitCode(err), "another attempt would fail, too")
		})
	}
	t.Run("for two reasons", func(t *testing.T) {
		east, west := w.locations(t)
		east.Bucket, west.CABundle = "nowhere", ""
		r, err := w.execute(t, w.config(t, "once", east, west))
		require.ErrorContains(t, err, run.ReasonLocationsFailed)
		assert.Contains(t, r.Locations[0].Message, "no bucket nowhere")
		assert.Contains(t, r.Locations[1].Message, "is not trusted")
	})
}

func noDatabase(t *testing.T, w *world) {
	east, _ := w.locations(t)
	cfg := w.config(t, "once", east)
	cfg.Database.Name = "other"
	r, err := w.execute(t, cfg)
	require.ErrorContains(t, err, run.ReasonDatabaseFailed)
	assert.Equal(t, 1, job.ExitCode(err), "a database may be back by the next attempt")
	assert.NotEmpty(t, r.Message)
	assert.NotEmpty(t, r.Locations[0].Message)
	assert.Empty(t, w.backups(t, cfg, east))
}

func nothingToDo(t *testing.T, w *world) {
	east, _ := w.locations(t)
	cfg := w.config(t, "once", east)
	cfg.Backup = nil
	r, err := w.execute(t, cfg)
	require.Error(t, err)
	assert.Equal(t, run.ReasonNothingToDo, r.Reason)
	for _, id := range []string{"", "a,backup=other", "../key", "-"} {
		r, err = w.execute(t, w.config(t, id, east))
		require.Error(t, err, id)
		assert.Contains(t, r.Message, "ID of a backup", id)
		cfg.Care = &config.Care{Forget: []string{id}}
		r, err = w.execute(t, cfg)
		require.Error(t, err, id)
		assert.Contains(t, r.Message, "ID of a backup", id)
	}
}

func storeGone(t *testing.T, w *world) {
	run.SetPatience(t, 10*time.Second)
	w.Database.Execute(t, `create table attachment as select i, sha512(i::text::bytea) a, sha512((i + 1)::text::bytea) b from generate_series(1, 400000) i`)
	defer w.Database.Execute(t, `drop table attachment`)
	east, west := w.locations(t)
	server, away := w.Location(t, "west")
	away.Prefix = west.Prefix
	cfg := w.config(t, "once", east, away)
	o := w.options(t, cfg)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		awaitStage(t, o, result.StageDatabase, 1)
		server.Stop(t)
	}()
	r, err := w.run(t, o)
	<-gone
	require.NoError(t, err)
	assert.Equal(t, run.ReasonPartiallyFailed, r.Reason)
	assert.Empty(t, r.Locations[0].Message)
	assert.Contains(t, r.Locations[1].Message, "took no data for too long")

	server.Run(t)
	assert.Empty(t, w.backups(t, cfg, away), "half a backup does not count")
	cfg = w.config(t, "again", east, away)
	r, err = w.execute(t, cfg)
	require.NoError(t, err)
	assert.Empty(t, r.Reason, r.Message)
	assert.Equal(t, []string{"again"}, w.backups(t, cfg, away))
}

func care(t *testing.T, w *world) {
	east, never := w.locations(t)
	var cfg config.Config
	for _, id := range []string{"one", "two"} {
		cfg = w.config(t, id, east)
		_, err := w.execute(t, cfg)
		require.NoError(t, err)
	}
	cfg.Backup, cfg.Care = nil, &config.Care{Forget: []string{"one", "never-made"}, ReadData: "100%"}
	cfg.Locations = append(cfg.Locations, never)
	r, err := w.execute(t, cfg)
	require.NoError(t, err)
	assert.Empty(t, r.Reason, r.Message)
	assert.Equal(t, []string{"two"}, w.backups(t, cfg, east))
	left, err := w.open(t, cfg, east).Snapshots(t.Context(), "")
	require.NoError(t, err)
	assert.Len(t, left, 2)

	flip(t, w.east.File("backups", east.Prefix+"/repository/data"))
	cfg.Care = &config.Care{ReadData: "100%"}
	r, err = w.execute(t, cfg)
	require.ErrorContains(t, err, string(restic.Damaged))
	assert.Equal(t, string(restic.Damaged), r.Reason)
	assert.NotEmpty(t, r.Locations[0].Problems)
	assert.Empty(t, r.Locations[1].Message)

	require.NoError(t, os.RemoveAll(w.east.File("backups", east.Prefix+"/repository")))
	r, err = w.execute(t, cfg)
	require.Error(t, err)
	assert.Contains(t, r.Message, "the repository of 1 backups is gone")
}

// flip a byte in the middle of the largest file below a folder.
func flip(t *testing.T, folder string) {
	t.Helper()
	var path string
	var content []byte
	require.NoError(t, filepath.WalkDir(folder, func(p string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if c, err := os.ReadFile(p); err == nil && len(c) > len(content) {
			path, content = p, c
		}
		return nil
	}))
	content[len(content)/2] ^= 1
	require.NoError(t, os.WriteFile(path, content, 0o600))
}

func storeFull(t *testing.T, w *world) {
	run.SetPatience(t, 10*time.Second)
	_, west := w.locations(t)
	east := w.small(t, west.Prefix)
	cfg := w.config(t, "once", east, west)
	r, err := w.execute(t, cfg)
	require.NoError(t, err)
	assert.Equal(t, run.ReasonPartiallyFailed, r.Reason)
	assert.Contains(t, r.Locations[0].Message, "no space is left")
	assert.Empty(t, r.Locations[1].Message)
	assert.Equal(t, []string{"once"}, w.backups(t, cfg, west))
	assert.Empty(t, w.backups(t, cfg, east), "half a backup does not count")

	r, err = w.execute(t, w.config(t, "alone", east))
	require.Error(t, err)
	assert.EqualValues(t, store.Full, r.Reason)
	assert.Contains(t, r.Message, "no space is left")
	assert.Equal(t, config.ExitLasting, job.ExitCode(err), "somebody has to make room first")
}
