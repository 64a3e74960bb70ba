package exec_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	crmkeepexec "github.com/crmkeep/crmkeep/internal/exec"
)

// asProgram makes the test binary act as crmkeep.
const asProgram = "CRMKEEP_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	// Process 1 of a container inherits orphans, and so does a subreaper.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	root := &cobra.Command{Use: "crmkeep", SilenceUsage: true}
	root.AddCommand(crmkeepexec.NewCommand(), crmkeepexec.NewInstallCommand())
	if root.Execute() != nil {
		os.Exit(1)
	}
}

// crmkeep is the program with the arguments.
func crmkeep(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "KEPT=from the pod", "REPLACED=from the pod")
	return cmd
}

// rendered is a folder as the agent leaves it.
func rendered(t *testing.T, environment string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, config.EnvFile), []byte(environment), 0o400))
	ready(t, dir)
	return dir
}

// ready is the last that the agent writes.
func ready(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, config.ReadyFile), nil, 0o400))
}

func TestAnApplicationStartsWhenTheAgentHasRenderedEverythingAndNotBefore(t *testing.T) {
	for _, mode := range [][]string{nil, {"--stop-signal", "SIGINT"}} {
		files, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
		environment := filepath.Join(files, config.EnvFile)
		require.NoError(t, os.WriteFile(environment, []byte("RENDERED=first\x00"), 0o600))
		args := append(append([]string{"exec", "--files-dir", files}, mode...), "sh", "-c", `echo "$RENDERED" >"$0"`, ran)
		app := crmkeep(t, args...)
		require.NoError(t, app.Start())
		require.Never(t, func() bool { return exists(ran) }, time.Second, 20*time.Millisecond, "the agent is still at it")

		require.NoError(t, os.WriteFile(environment, []byte("RENDERED=last\x00"), 0o600))
		ready(t, files)
		require.NoError(t, app.Wait())
		content, err := os.ReadFile(ran)
		require.NoError(t, err)
		assert.Equal(t, "last\n", string(content))
	}
}

func TestAnAgentThatNeverRendersIsNamed(t *testing.T) {
	files, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	out, err := crmkeep(t, "exec", "--files-dir", files, "--ready-timeout", "300ms", "touch", ran).CombinedOutput()
	assert.Equal(t, 1, exitCode(t, err))
	assert.Contains(t, string(out), "the agent has not rendered its files in 300ms: "+filepath.Join(files, config.ReadyFile)+
		` is missing; the log of container "agent" says what it waits for`)
	assert.NoFileExists(t, ran)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func TestAnApplicationGetsTheRenderedEnvironment(t *testing.T) {
	files := rendered(t, "REPLACED=by the agent\x00ODD= a=b\n\"$(id)\" ' é \x00EMPTY=\x00")
	for _, mode := range [][]string{nil, {"--stop-signal", "SIGINT"}} {
		args := append(append([]string{"exec", "--files-dir", files}, mode...), "--", "env", "-0")
		out, err := crmkeep(t, args...).Output()
		require.NoError(t, err)
		variables := strings.Split(string(out), "\x00")
		assert.Contains(t, variables, "REPLACED=by the agent")
		assert.NotContains(t, variables, "REPLACED=from the pod")
		assert.Contains(t, variables, "KEPT=from the pod")
		assert.Contains(t, variables, "ODD= a=b\n\"$(id)\" ' é ")
		assert.Contains(t, variables, "EMPTY=")
	}
}

func TestACommandWithoutVariablesOfItsOwnRuns(t *testing.T) {
	out, err := crmkeep(t, "exec", "--files-dir", rendered(t, ""), "echo", "-n", "--files-dir").Output()
	require.NoError(t, err)
	assert.Equal(t, "--files-dir", string(out), "flags after the command are the command's")
}

func TestTheExitCodeIsTheApplications(t *testing.T) {
	files := rendered(t, "")
	for _, mode := range [][]string{nil, {"--stop-signal", "SIGINT"}} {
		for script, want := range map[string]int{"exit 0": 0, "exit 7": 7} {
			args := append(append([]string{"exec", "--files-dir", files}, mode...), "sh", "-c", script)
			assert.Equal(t, want, exitCode(t, crmkeep(t, args...).Run()))
		}
	}
	killed := crmkeep(t, "exec", "--files-dir", files, "--stop-signal", "SIGINT", "sh", "-c", "kill -KILL $$").Run()
	assert.Equal(t, 137, exitCode(t, killed))
}

func TestSIGTERMBecomesTheSignalThatTheApplicationStopsOn(t *testing.T) {
	app := startScript(t, `trap 'echo stopped; exit 3' INT; trap 'echo hup' HUP; trap '' TERM; echo ready; while :; do read line || sleep 0.01; done`)
	require.NoError(t, app.Process.Signal(syscall.SIGHUP))
	app.expect(t, "hup")
	require.NoError(t, app.Process.Signal(syscall.SIGTERM))
	app.expect(t, "stopped")
	assert.Equal(t, 3, exitCode(t, app.Wait()))
}

func TestOrphansAreCollectedAndDoNotEndTheApplication(t *testing.T) {
	app := startScript(t, `echo ready; (sh -c 'echo $$; exit 5' &); read line; exit 4`)
	require.True(t, app.lines.Scan())
	orphan := filepath.Join("/proc", app.lines.Text())
	require.Eventually(t, func() bool {
		_, err := os.Stat(orphan)
		return errors.Is(err, fs.ErrNotExist)
	}, 10*time.Second, 10*time.Millisecond, "a process that ended should not stay as a zombie")
	_, err := io.WriteString(app.stdin, "go\n")
	require.NoError(t, err)
	assert.Equal(t, 4, exitCode(t, app.Wait()))
}

func TestAProcessIDThatAKilledRunLeftDoesNotStandInTheWay(t *testing.T) {
	dir := t.TempDir()
	left, none := filepath.Join(dir, "left.pid"), filepath.Join(dir, "none.pid")
	for _, mode := range [][]string{nil, {"--stop-signal", "SIGINT"}} {
		require.NoError(t, os.WriteFile(left, []byte("1\n"), 0o600))
		args := append(append([]string{"exec", "--files-dir", rendered(t, "")}, mode...), "--pid-file", left, "--pid-file", none, "--", "test", "!", "-e", left)
		out, err := crmkeep(t, args...).CombinedOutput()
		assert.NoError(t, err, "%s", out)
	}

	out, err := crmkeep(t, "exec", "--files-dir", rendered(t, ""), "--pid-file", filepath.Dir(dir), "true").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "--pid-file")
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	out, err := crmkeep(t, "exec", "--files-dir", rendered(t, ""), "no-such-program").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "no-such-program")

	out, err = crmkeep(t, "exec", "--stop-signal", "INT", "true").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "write it as SIGINT")
}

func TestTheProgramCopiesItselfForOtherImages(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		require.NoError(t, crmkeep(t, "install", dir).Run(), "a container that starts again installs again")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	info, err := entries[0].Info()
	require.NoError(t, err)
	assert.Equal(t, "crmkeep -r-xr-xr-x", fmt.Sprint(info.Name(), " ", info.Mode()))

	copied := exec.CommandContext(t.Context(), filepath.Join(dir, "crmkeep"), "exec", "--files-dir", rendered(t, ""), "true")
	copied.Env = append(os.Environ(), asProgram+"=1")
	require.NoError(t, copied.Run())
}

// script is a shell script under crmkeep exec --stop-signal SIGINT.
type script struct {
	*exec.Cmd
	stdin io.Writer
	lines *bufio.Scanner
}

// startScript returns when the script said "ready".
func startScript(t *testing.T, text string) *script {
	t.Helper()
	s := &script{Cmd: crmkeep(t, "exec", "--files-dir", rendered(t, ""), "--stop-signal", "SIGINT", "sh", "-c", text)}
	stdin, err := s.StdinPipe()
	require.NoError(t, err)
	stdout, err := s.StdoutPipe()
	require.NoError(t, err)
	s.stdin, s.lines = stdin, bufio.NewScanner(stdout)
	require.NoError(t, s.Start())
	s.expect(t, "ready")
	return s
}

func (s *script) expect(t *testing.T, line string) {
	t.Helper()
	require.True(t, s.lines.Scan(), "no line from the script")
	require.Equal(t, line, s.lines.Text())
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	failure, ok := errors.AsType[*exec.ExitError](err)
	require.True(t, ok, "%v", err)
	return failure.ExitCode()
}
