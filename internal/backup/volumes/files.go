package volumes

import (
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"
)

// has tells of a folder of ours whether it is there. What is no folder is none of ours.
func (v *Volume) has(name string) bool {
	info, err := v.root.Lstat(name)
	return err == nil && info.IsDir()
}

func (v *Volume) ensure(folder string) error {
	if v.has(folder) {
		return nil
	}
	return v.root.Mkdir(folder, 0o700)
}

// entries of a folder.
func (v *Volume) entries(folder string) ([]string, error) {
	all, err := fs.ReadDir(v.root.FS(), folder)
	names := make([]string, 0, len(all))
	for _, entry := range all {
		names = append(names, entry.Name())
	}
	return names, err
}

func (v *Volume) isOwn(name string) bool {
	return name == v.staged || name == v.arriving || name == v.replaced
}

// move moves all entries of one folder into another. It returns when that is on disk.
func (v *Volume) move(from, to string) error {
	names, err := v.entries(from)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == lostAndFound || v.isOwn(name) {
			continue
		}
		if err := v.rename(path.Join(from, name), path.Join(to, name)); err != nil {
			return err
		}
	}
	return v.sync()
}

// rename moves an entry. The kernel wants a folder to be writable when it gets another parent.
func (v *Volume) rename(from, to string) error {
	err := v.root.Rename(from, to)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	info, statErr := v.root.Lstat(from)
	if statErr != nil || !info.IsDir() {
		return err
	}
	if err := v.root.Chmod(from, info.Mode()|0o200); err != nil {
		return err
	}
	if err := v.root.Rename(from, to); err != nil {
		return err
	}
	return v.root.Chmod(to, info.Mode())
}

// remove removes a folder with all that is in it, folders that cannot be written to as well.
func (v *Volume) remove(name string) error {
	err := v.root.RemoveAll(name)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = fs.WalkDir(v.root.FS(), name, func(folder string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			_ = v.root.Chmod(folder, 0o700)
		}
		return nil // what stays unreadable shows when it cannot be removed
	})
	return v.root.RemoveAll(name)
}

// sync makes everything on the volume survive a power cut.
func (v *Volume) sync() error {
	top, err := v.root.Open(".")
	if err != nil {
		return err
	}
	defer top.Close() //nolint:errcheck // it was only read
	return unix.Syncfs(int(top.Fd()))
}
