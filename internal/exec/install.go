package exec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

const (
	self = "/proc/self/exe"
	// programName is what the application's container calls this program.
	programName = "crmkeep"
)

// NewInstallCommand makes `crmkeep install`.
func NewInstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install DIR",
		Short: "Copy this program into a folder, for images that do not have it",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return install(self, args[0]) },
	}
}

// install copies program to dir. Whoever looks finds all of it or nothing.
func install(program, dir string) error {
	draft, err := os.CreateTemp(dir, "."+programName+"-*")
	if err != nil {
		return err
	}
	err = copyProgram(program, draft)
	if err == nil {
		err = os.Rename(draft.Name(), filepath.Join(dir, programName))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("install into %s: %w", dir, err), os.Remove(draft.Name()))
	}
	return nil
}

func copyProgram(program string, to *os.File) error {
	from, err := os.Open(program) //nolint:gosec // this program
	if err != nil {
		return errors.Join(err, to.Close())
	}
	defer from.Close() //nolint:errcheck // only read from
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Chmod(0o555), to.Close())
}
