package render_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/render"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

func open(t *testing.T) (*render.Dir, string) {
	t.Helper()
	path := t.TempDir()
	dir, err := render.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, dir.Close()) })
	return dir, path
}

func TestAFileIsWrittenOnlyWhenItsContentOrModeDiffers(t *testing.T) {
	dir, path := open(t)
	write := func(content string, mode fs.FileMode) bool {
		changed, err := dir.Write("file", []byte(content), mode)
		require.NoError(t, err)
		info, err := os.Stat(filepath.Join(path, "file"))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode())
		return changed
	}
	assert.True(t, write("a", 0o400))
	assert.False(t, write("a", 0o400))
	assert.True(t, write("b", 0o400))
	assert.True(t, write("b", 0o640))
}

func TestAFileCannotBeWrittenOutsideTheFolder(t *testing.T) {
	dir, path := open(t)
	for _, name := range []string{"../out", "/etc/out", "a/b", "..", ".", ""} {
		_, err := dir.Write(name, nil, 0o400)
		assert.Error(t, err, name)
	}

	t.Run("not even through a link that the application made", func(t *testing.T) {
		outside := filepath.Join(t.TempDir(), "outside")
		require.NoError(t, os.WriteFile(outside, []byte("kept"), 0o600))
		require.NoError(t, os.Symlink(outside, filepath.Join(path, "link")))
		require.NoError(t, os.Symlink(outside, filepath.Join(path, ".draft.link")))
		_, err := dir.Write("link", []byte("rendered"), 0o400)
		require.NoError(t, err)
		kept, err := os.ReadFile(outside)
		require.NoError(t, err)
		assert.Equal(t, "kept", string(kept))
	})
}

func TestADraftThatACrashLeftIsReplaced(t *testing.T) {
	dir, path := open(t)
	require.NoError(t, os.WriteFile(filepath.Join(path, ".draft.file"), []byte("half"), 0o400))
	_, err := dir.Write("file", []byte("whole"), 0o400)
	require.NoError(t, err)
	entries, err := os.ReadDir(path)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestWhatAClassGotWrongIsRefusedWithItsNameAndWithoutAValue(t *testing.T) {
	const value = "hidden"
	for name, cfg := range map[string]config.Config{
		"a file that leads out":        {Files: []config.File{{Name: "../etc/passwd"}}},
		"a file of the agent":          {Files: []config.File{{Name: config.KeyFile}}},
		"a mode with setuid":           {Files: []config.File{{Name: "file", Mode: 0o4755}}},
		"a reference without value":    {Files: []config.File{{Name: "file", Template: "${key.hex}${key.base64}"}}},
		"a variable's name":            {Env: []config.Env{{Name: "A=B", Template: "${key.hex}"}}},
		"a variable's value with NUL":  {Env: []config.Env{{Name: "A", Template: "${key.hex}\x00"}}},
		"a variable without its value": {Env: []config.Env{{Name: "A", Template: "${key.hex}${nothing}"}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := open(t)
			err := render.Application(dir, &cfg, map[string]secret.String{"key.hex": secret.New(value)})
			invalid, ok := outcome.AsInvalid(err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, render.ReasonTemplateInvalid, invalid.Reason)
			assert.NotContains(t, err.Error(), value)
			assert.NoFileExists(t, filepath.Join(path, config.EnvFile))
		})
	}
}
