package postgres

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// makeServer leaves what initdb leaves.
func makeServer(_ context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, versionFile), []byte("15\n"), 0o600)
}

func refuse(context.Context, string) error { return errors.New("must not be called") }

func TestADataDirectoryIsMadeOnceAndKeptFromThenOn(t *testing.T) {
	data := filepath.Join(t.TempDir(), "pgdata")
	require.NoError(t, initialise(t.Context(), data, makeServer))
	assert.FileExists(t, filepath.Join(data, versionFile))

	require.NoError(t, os.Chmod(data, 0o2770), "as kubelet does to a volume")
	require.NoError(t, initialise(t.Context(), data, refuse))
	info, err := os.Stat(data)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
}

func TestAnInitialisationThatWasCutShortStartsOver(t *testing.T) {
	data := filepath.Join(t.TempDir(), "pgdata")
	crash := errors.New("killed")
	err := initialise(t.Context(), data, func(_ context.Context, dir string) error {
		return errors.Join(makeServer(t.Context(), dir), crash)
	})
	require.ErrorIs(t, err, crash)
	assert.NoDirExists(t, data)

	require.NoError(t, initialise(t.Context(), data, makeServer))
	assert.FileExists(t, filepath.Join(data, versionFile))
	assert.NoDirExists(t, data+".new")
}

func TestAnEmptyFolderIsTakenAndOneWithOtherContentIsNot(t *testing.T) {
	empty := t.TempDir()
	require.NoError(t, initialise(t.Context(), empty, makeServer))

	foreign := t.TempDir()
	kept := filepath.Join(foreign, "kept")
	require.NoError(t, os.WriteFile(kept, nil, 0o600))
	require.ErrorContains(t, initialise(t.Context(), foreign, refuse), "has content")
	assert.FileExists(t, kept)
}
