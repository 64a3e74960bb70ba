// Package render writes what the application reads: files and its environment, in a memory-backed folder.
package render

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is the folder of rendered files. Nothing is written or read outside it, whatever links the application puts into it.
type Dir struct{ root *os.Root }

// Open opens an existing folder.
func Open(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("folder of rendered files: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close releases the folder.
func (d *Dir) Close() error { return d.root.Close() }

// Read gives the content of a file.
func (d *Dir) Read(name string) ([]byte, error) { return d.root.ReadFile(name) }

// Write makes name hold content with mode. Readers see the old content or the new, never a part. It reports whether anything had
// to be written.
func (d *Dir) Write(name string, content []byte, mode fs.FileMode) (changed bool, err error) {
	if !plainName(name) {
		return false, fmt.Errorf("%q is not the name of a file in the folder of rendered files", name)
	}
	if d.holds(name, content, mode) {
		return false, nil
	}
	draft := ".draft." + name
	if err := d.draft(draft, content, mode); err != nil {
		return false, err
	}
	return true, d.root.Rename(draft, name)
}

func (d *Dir) holds(name string, content []byte, mode fs.FileMode) bool {
	info, err := d.root.Lstat(name)
	if err != nil || info.Mode() != mode {
		return false
	}
	present, err := d.root.ReadFile(name)
	return err == nil && bytes.Equal(present, content)
}

func (d *Dir) draft(name string, content []byte, mode fs.FileMode) error {
	// A draft that a crash left may be read-only.
	if err := d.root.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	file, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // a second close after the one below
	if _, err := file.Write(content); err != nil {
		return err
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	return file.Close()
}

func plainName(name string) bool {
	return filepath.IsLocal(name) && filepath.Base(name) == name && name != "."
}
