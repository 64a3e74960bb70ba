package restic_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

const patience = 20 * time.Second

func repository(t *testing.T, server *s3test.Server) restic.Repository {
	t.Helper()
	s3test.Restic(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, []byte(server.CABundle), 0o600))
	return restic.Repository{
		URL: "s3:" + server.Endpoint + "/bucket/a/repository", Region: s3test.Region, Password: secret.New("the password"),
		AccessKeyID: server.AccessKeyID, SecretAccessKey: secret.New(server.SecretAccessKey), CAFile: ca, Host: "acme.prod", MemoryLimit: 128 << 20,
	}
}

func random(t *testing.T, size int) []byte {
	t.Helper()
	data := make([]byte, size)
	_, err := rand.Read(data)
	require.NoError(t, err)
	return data
}

func stream(t *testing.T, r restic.Repository, data []byte, tags ...string) restic.Snapshot {
	t.Helper()
	s, err := r.Stream(t.Context(), patience, "database.sql", tags...)
	require.NoError(t, err)
	_, err = s.Write(data)
	require.NoError(t, err)
	made, err := s.Close()
	require.NoError(t, err)
	return made
}

func TestAStreamAndAFolderAreBackedUpReadBackAndForgotten(t *testing.T) {
	r := repository(t, s3test.Start(t, "bucket"))
	assert.True(t, restic.IsCause(r.Unlock(t.Context()), restic.RepositoryMissing))
	require.NoError(t, r.Init(t.Context()))

	data := random(t, 20<<20) // The last piece, which a further row changes, has 8 MiB at most.
	made := stream(t, r, data, "backup=1")
	assert.EqualValues(t, len(data), made.Bytes)
	assert.InDelta(t, len(data), made.Added, 1<<16)
	var out bytes.Buffer
	require.NoError(t, r.Dump(t.Context(), made.ID, "database.sql", &out))
	assert.True(t, bytes.Equal(data, out.Bytes()), "the dump should be what was written")

	folder, restored := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "a/b"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a/b/c.txt"), []byte("hello"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(restored, "left over"), nil, 0o600))
	files, err := r.Folder(t.Context(), folder, nil, "backup=1")
	require.NoError(t, err)
	assert.EqualValues(t, 1, files.Files)
	require.NoError(t, r.Restore(t.Context(), files.ID, restored, nil))
	content, err := os.ReadFile(filepath.Join(restored, "a/b/c.txt"))
	require.NoError(t, err)
	assert.Equal(t, "hello", string(content))
	assert.NoFileExists(t, filepath.Join(restored, "left over"))

	second := stream(t, r, append(data, "one row more"...), "backup=2")
	assert.Less(t, second.Added, made.Added/2, "what is there already should not be written again")

	require.NoError(t, r.Forget(t.Context(), "backup=1", "backup=never made"))
	require.NoError(t, r.Prune(t.Context()))
	left, err := r.Snapshots(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, second.ID, left[0].ID)
	problems, err := r.Check(t.Context(), "100%")
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.NoError(t, r.Forget(t.Context()), "to forget nothing")
	left, err = r.Snapshots(t.Context(), "backup=2")
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

func TestAFlippedByteIsFoundByACheckThatReadsTheData(t *testing.T) {
	server := s3test.Start(t, "bucket")
	r := repository(t, server)
	require.NoError(t, r.Init(t.Context()))
	made := stream(t, r, random(t, 3<<20))
	pack := largest(t, server.File("bucket", "a/repository/data"))
	content, err := os.ReadFile(pack)
	require.NoError(t, err)
	content[1000] ^= 1
	require.NoError(t, os.WriteFile(pack, content, 0o600))

	problems, err := r.Check(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, problems, "the structure is as it was")
	problems, err = r.Check(t.Context(), "100%")
	require.NoError(t, err)
	require.NotEmpty(t, problems)
	assert.Contains(t, problems[0], filepath.Base(pack))

	err = r.Dump(t.Context(), made.ID, "database.sql", &bytes.Buffer{})
	assert.True(t, restic.IsCause(err, restic.Damaged), err)
}

func largest(t *testing.T, folder string) string {
	t.Helper()
	var path string
	var size int64
	require.NoError(t, filepath.WalkDir(folder, func(p string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Size() > size {
			path, size = p, info.Size()
		}
		return err
	}))
	return path
}

func TestEveryWayThatARepositoryCanFailHasItsCause(t *testing.T) {
	server := s3test.Start(t, "bucket")
	r := repository(t, server)
	require.NoError(t, r.Init(t.Context()))

	other := r
	other.Password = secret.New("hunter2")
	err := other.Unlock(t.Context())
	assert.True(t, restic.IsCause(err, restic.WrongPassword), err)
	assert.NotContains(t, err.Error(), "hunter2")

	stranger := r
	stranger.SecretAccessKey = secret.New("a wrong secret")
	_, err = stranger.Snapshots(t.Context(), "")
	assert.True(t, restic.IsCause(err, restic.AccessDenied), err)
	assert.NotContains(t, err.Error(), "a wrong secret")
}

func TestAnAbortedStreamLeavesNoSnapshot(t *testing.T) {
	r := repository(t, s3test.Start(t, "bucket"))
	require.NoError(t, r.Init(t.Context()))
	s, err := r.Stream(t.Context(), patience, "database.sql")
	require.NoError(t, err)
	_, err = s.Write(random(t, 3<<20))
	require.NoError(t, err)
	s.Abort()
	s.Abort()

	ctx, cancel := context.WithCancelCause(t.Context())
	s, err = r.Stream(ctx, patience, "database.sql")
	require.NoError(t, err)
	cancel(errors.New("the run ends"))
	_, err = s.Close()
	require.ErrorContains(t, err, "the run ends")

	require.NoError(t, r.Unlock(t.Context()))
	left, err := r.Snapshots(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestAStreamToALocationThatWentAwayEndsWhenPatienceDoes(t *testing.T) {
	server := s3test.Start(t, "bucket")
	r := repository(t, server)
	require.NoError(t, r.Init(t.Context()))
	s, err := r.Stream(t.Context(), 2*time.Second, "database.sql")
	require.NoError(t, err)
	defer s.Abort()
	server.Stop(t)
	data := random(t, 8<<20)
	for range 64 {
		if _, err = s.Write(data); err != nil {
			break
		}
	}
	require.Error(t, err)
}
