// Package agenttest runs agents' counterparts for tests: a Vault that is set up as for an installation, and a Postgres server.
package agenttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/crmkeep/crmkeep/internal/testing/s3test"
	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
)

// nobody is Debian's and everyone else's user without rights.
const nobody = 65534

// Main runs the tests as a user other than root, as Postgres demands. Root's tests are run again as nobody.
func Main(m *testing.M) {
	// Fuzzing needs no Postgres, and Go's cache, which is root's.
	fuzzing := slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "-test.fuzz=") })
	if os.Getuid() != 0 || fuzzing {
		os.Exit(m.Run())
	}
	code, err := runAsNobody()
	if err != nil {
		fmt.Fprintln(os.Stderr, "run the tests as nobody:", err)
		code = 1
	}
	os.Exit(code)
}

func runAsNobody() (code int, err error) {
	dir, err := os.MkdirTemp("", "agenttest-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := os.Chown(dir, nobody, nobody); err != nil {
		return 0, err
	}
	environment := append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	// Programs lie in folders of root's, which nobody may not enter.
	program := filepath.Join(dir, "tests")
	if err := copyProgram(program, "/proc/self/exe"); err != nil {
		return 0, err
	}
	for _, name := range []string{vaulttest.BinaryEnv, s3test.BinaryEnv, s3test.ResticEnv} {
		program := os.Getenv(name)
		if program == "" {
			continue
		}
		reachable := filepath.Join(dir, filepath.Base(program))
		if err := copyProgram(reachable, program); err != nil {
			return 0, err
		}
		environment = append(environment, name+"="+reachable)
	}
	// The log of opened files, for go test's cache, also lies in a folder of root's.
	args := slices.DeleteFunc(os.Args[1:], func(arg string) bool { return strings.HasPrefix(arg, "-test.testlogfile") })
	tests := exec.Command(program, args...)
	tests.Env = environment
	tests.Stdout, tests.Stderr = os.Stdout, os.Stderr
	tests.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if err := tests.Run(); err != nil {
		if tests.ProcessState == nil {
			return 0, err
		}
		return tests.ProcessState.ExitCode(), nil
	}
	return 0, nil
}

func copyProgram(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}
