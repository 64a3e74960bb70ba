package volumes

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// write makes files, "name": "content"; "name": "-> target" is a symbolic link, "name/": "" an empty folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
		switch target, link := strings.CutPrefix(content, "-> "); {
		case link:
			require.NoError(t, os.Symlink(target, file))
		case strings.HasSuffix(name, "/"):
			require.NoError(t, os.MkdirAll(file, 0o750))
		default:
			require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		}
	}
}

// read gives what write takes, without the folders that an exchange leaves alone.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		name, _ := filepath.Rel(dir, path)
		switch {
		case filepath.Dir(name) == "." && (name == lostAndFound || strings.HasPrefix(name, ".crmkeep-")):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			require.NoError(t, err)
			files[name] = "-> " + target
		case entry.Type().IsRegular():
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			files[name] = string(content)
		case entry.IsDir() && name != ".":
			if inside, err := os.ReadDir(path); err == nil && len(inside) == 0 {
				files[name+"/"] = ""
			}
		}
		return nil
	}))
	return files
}

var (
	present  = map[string]string{"a": "old a", "both/x": "old x", "link": "-> /etc/passwd", "only-old/": ""}
	restored = map[string]string{"a": "new a", "both/y": "new y", "link": "-> ../..", "new/z": "new z"}
)

func open(t *testing.T, dir, restore string) *Volume {
	t.Helper()
	v, err := Open(dir, restore)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, v.Close()) })
	return v
}

// staged is a volume with files beside those that are present.
func staged(t *testing.T) (string, *Volume) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, present)
	write(t, dir, map[string]string{"lost+found/x": "the file system's"})
	v := open(t, dir, "friday")
	folder, err := v.Stage()
	require.NoError(t, err)
	write(t, folder, restored)
	return dir, v
}

func folders(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, ".crmkeep-*"))
	require.NoError(t, err)
	return found
}

func TestFilesAreExchangedAndBroughtBack(t *testing.T) {
	dir, v := staged(t)
	assert.Equal(t, present, read(t, dir))
	require.NoError(t, v.Swap())
	assert.Equal(t, restored, read(t, dir))
	require.NoError(t, v.Swap(), "again it should do nothing")
	assert.Equal(t, restored, read(t, dir))
	require.NoError(t, v.Undo())
	assert.Equal(t, present, read(t, dir))
	assert.Empty(t, folders(t, dir))
	require.NoError(t, v.Undo())
	assert.Equal(t, present, read(t, dir))
	assert.FileExists(t, filepath.Join(dir, "lost+found/x"))
}

func TestWhatWasReplacedIsKeptUntilItIsDropped(t *testing.T) {
	dir, v := staged(t)
	require.NoError(t, os.Chmod(filepath.Join(dir, "both"), 0o500))
	require.NoError(t, v.Swap(), "a folder that cannot be written to should not be in the way")
	require.Len(t, folders(t, dir), 1)
	kept := folders(t, dir)[0]
	assert.Equal(t, present, read(t, kept))
	info, err := os.Stat(filepath.Join(kept, "both"))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o500), info.Mode().Perm())
	require.NoError(t, v.Drop())
	require.NoError(t, v.Drop())
	assert.Empty(t, folders(t, dir))
	assert.Equal(t, restored, read(t, dir))
}

// errKilled stands for the end of the process.
var errKilled = errors.New("killed")

// mortal is a file system whose process is killed after some steps.
type mortal struct {
	root
	steps int
}

func (m *mortal) step() error {
	if m.steps--; m.steps < 0 {
		return errKilled
	}
	return nil
}

func (m *mortal) Mkdir(name string, mode fs.FileMode) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.root.Mkdir(name, mode)
}

func (m *mortal) Rename(from, to string) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.root.Rename(from, to)
}

func (m *mortal) Remove(name string) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.root.Remove(name)
}

func (m *mortal) RemoveAll(name string) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.root.RemoveAll(name)
}

// killed does something to a volume until the process is killed.
func killed(v *Volume, steps int, do func(*Volume) error) error {
	copied := *v
	copied.root = &mortal{root: v.root, steps: steps}
	return do(&copied)
}

func TestAnExchangeThatWasKilledAnywhereIsCompletedOrUndone(t *testing.T) {
	for _, c := range []struct {
		name          string
		begin, finish func(*Volume) error
		want          map[string]string
	}{
		{"completed", (*Volume).Swap, (*Volume).Swap, restored},
		{"undone", (*Volume).Swap, (*Volume).Undo, present},
		{"undone at a second try", func(v *Volume) error { return errors.Join(v.Swap(), v.Undo()) }, (*Volume).Undo, present},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := false
			for steps := 0; !whole; steps++ {
				dir, v := staged(t)
				err := killed(v, steps, c.begin)
				if whole = err == nil; !whole {
					require.ErrorIs(t, err, errKilled)
				}
				require.NoError(t, c.finish(open(t, dir, "friday")), "after %d steps", steps)
				require.Equal(t, c.want, read(t, dir), "after %d steps", steps)
			}
		})
	}
}

func TestARestoreTakesOverAVolumeInTheMiddleOfAnother(t *testing.T) {
	dir, friday := staged(t)
	require.ErrorIs(t, killed(friday, 3, (*Volume).Swap), errKilled)
	saturday := open(t, dir, "saturday")
	folder, err := saturday.Stage()
	require.NoError(t, err)
	write(t, folder, map[string]string{"a": "of saturday"})
	require.NoError(t, saturday.Swap())
	assert.Equal(t, map[string]string{"a": "of saturday"}, read(t, dir))
	require.NoError(t, saturday.Undo())
	require.NoError(t, friday.Swap())
	assert.Equal(t, restored, read(t, dir))
	require.NoError(t, friday.Undo())
	assert.Equal(t, present, read(t, dir))
}

func TestWhatAnEarlierTryHasStagedIsRemoved(t *testing.T) {
	dir, v := staged(t)
	folder, err := v.Stage()
	require.NoError(t, err)
	assert.Empty(t, read(t, folder))
	_, err = open(t, dir, "saturday").Stage()
	require.NoError(t, err)
	assert.Len(t, folders(t, dir), 1)
}

func TestNothingOutsideOfTheVolumeIsTouched(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, map[string]string{"kept": "kept"})
	dir := t.TempDir()
	v := open(t, dir, "friday")
	write(t, dir, map[string]string{
		v.staged: "-> " + outside, v.replaced: "-> " + outside, v.arriving: "-> " + outside, "folder": "-> " + outside,
	})
	require.NoError(t, v.Undo())
	folder, err := v.Stage()
	require.NoError(t, err)
	assert.Equal(t, []string{folder}, folders(t, dir), "links with our names should be removed")
	write(t, folder, map[string]string{"folder": "-> " + outside, "other": "-> .."})
	require.NoError(t, v.Swap())
	require.NoError(t, v.Drop())
	assert.Equal(t, map[string]string{"kept": "kept"}, read(t, outside))
	assert.Equal(t, map[string]string{"folder": "-> " + outside, "other": "-> .."}, read(t, dir))
}

func TestFilesThatDoNotFitAreRefused(t *testing.T) {
	v := open(t, t.TempDir(), "friday")
	require.NoError(t, v.Room(1))
	var noRoom *NoRoomError
	require.ErrorAs(t, v.Room(math.MaxInt64), &noRoom)
}
