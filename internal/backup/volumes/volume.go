// Package volumes exchanges the files of a volume for others, which were put into a folder beside them, so that a crash at any point
// can be completed or undone. It moves what lies at the top of the volume and looks into nothing; no symbolic link is followed.
package volumes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// Folders at the top of a volume, each followed by a digest of the restore's name. Which of them are there is how far a restore is:
//
//	staged                   the present files are in their place, the others are staged or on the way
//	staged and replaced      the present files are moved out
//	arriving and replaced    the others are moved in
//	replaced                 the others are in their place
//
// Those of other restores are files like any other, so that whatever state they are in comes back with an undo.
const (
	stagedPrefix   = ".crmkeep-restore-"
	arrivingPrefix = ".crmkeep-arriving-"
	replacedPrefix = ".crmkeep-before-"
)

// Excluded are patterns of what backups leave out, at the top of a volume: our own folders and that of the file system.
var Excluded = []string{".crmkeep-*", lostAndFound}

const lostAndFound = "lost+found"

// NoRoomError says that a volume cannot hold the files beside those that are there.
type NoRoomError struct {
	Volume       string
	Needed, Free int64
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("volume %s needs %d MiB for the restored files beside the present ones, and %d MiB are free", e.Volume, e.Needed>>20, e.Free>>20)
}

// Volume is a mounted volume as one restore sees it.
type Volume struct {
	dir                        string
	root                       root
	staged, arriving, replaced string
}

// root is what is used of an os.Root.
type root interface {
	fileSystem
	Open(name string) (*os.File, error)
	Lstat(name string) (fs.FileInfo, error)
	FS() fs.FS
	Close() error
}

// fileSystem is what changes something. A test ends it anywhere, as a crash does.
type fileSystem interface {
	Mkdir(name string, mode fs.FileMode) error
	Rename(from, to string) error
	Chmod(name string, mode fs.FileMode) error
	Remove(name string) error
	RemoveAll(name string) error
}

// Open opens the volume mounted at dir for the restore of a name.
func Open(dir, restore string) (*Volume, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	key := naming.Hash(restore)
	return &Volume{dir: dir, root: root, staged: stagedPrefix + key, arriving: arrivingPrefix + key, replaced: replacedPrefix + key}, nil
}

// Close ends the use of the volume.
func (v *Volume) Close() error { return v.root.Close() }

// Room refuses a restore of so many bytes when they do not fit beside the present files.
func (v *Volume) Room(bytes int64) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(v.dir, &stat); err != nil {
		return fmt.Errorf("free space of %s: %w", v.dir, err)
	}
	if free := int64(stat.Bavail) * stat.Bsize; free < bytes { //nolint:gosec // a disk has less than 8 EiB
		return &NoRoomError{Volume: filepath.Base(v.dir), Needed: bytes, Free: free}
	}
	return nil
}

// Stage makes the empty folder that the files are to be restored into. It removes what earlier tries have left.
func (v *Volume) Stage() (folder string, err error) {
	names, err := v.entries(".")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		key, staged := strings.CutPrefix(name, stagedPrefix)
		if staged && !slices.Contains(names, replacedPrefix+key) || v.isOwn(name) && !v.has(name) {
			if err := v.remove(name); err != nil {
				return "", err
			}
		}
	}
	return filepath.Join(v.dir, v.staged), v.root.Mkdir(v.staged, 0o700)
}

// Swap puts the staged files into the place of the present ones, which are kept until Drop or Undo. What was begun is completed, and
// what is done is left as it is.
func (v *Volume) Swap() error {
	if v.has(v.staged) {
		if err := v.sync(); err != nil { // what was restored, before anything depends on it
			return err
		}
		if err := v.ensure(v.replaced); err != nil {
			return err
		}
		if err := v.move(".", v.replaced); err != nil {
			return err
		}
		if err := v.root.Rename(v.staged, v.arriving); err != nil {
			return err
		}
	}
	if v.has(v.arriving) {
		if err := v.move(v.arriving, "."); err != nil {
			return err
		}
		if err := v.root.Remove(v.arriving); err != nil {
			return err
		}
	}
	return v.sync()
}

// Undo puts everything back to where it was before Stage, from whatever point was reached.
func (v *Volume) Undo() error {
	if v.has(v.replaced) && !v.has(v.staged) {
		if err := v.ensure(v.arriving); err != nil {
			return err
		}
		if err := v.move(".", v.arriving); err != nil {
			return err
		}
		if err := v.root.Rename(v.arriving, v.staged); err != nil {
			return err
		}
	}
	if v.has(v.replaced) {
		if err := v.move(v.replaced, "."); err != nil {
			return err
		}
		if err := v.root.Remove(v.replaced); err != nil {
			return err
		}
	}
	return errors.Join(v.remove(v.staged), v.sync())
}

// Drop removes what Swap has replaced, if anything.
func (v *Volume) Drop() error { return v.remove(v.replaced) }
