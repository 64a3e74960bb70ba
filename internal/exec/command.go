// Package exec starts an application with what the agent rendered for it, so that nothing secret stands in a pod spec.
package exec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/crmkeep/crmkeep/internal/agent/config"
)

const (
	// defaultReadyTimeout is how long the agent's files are waited for. The agent's startup probe has come before, so this is for the
	// case that somebody left it out.
	defaultReadyTimeout = time.Minute
	pollInterval        = 200 * time.Millisecond
)

// NewCommand makes `crmkeep exec`.
func NewCommand() *cobra.Command {
	var filesDir, stopSignal string
	var readyTimeout time.Duration
	var pidFiles []string
	cmd := &cobra.Command{
		Use:   "exec [--stop-signal SIGNAL] [--pid-file FILE...] [--ready-timeout DURATION] [--] COMMAND [ARGUMENT...]",
		Short: "Run an application with the environment that the agent rendered",
		Long: `Run an application with the environment that the agent rendered.

Without --stop-signal the application takes this program's place. With it, this program stays as process 1: it passes signals on,
SIGTERM as the one that the application stops on, collects orphans, and ends with the application's exit code.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			stop, err := parseStopSignal(stopSignal)
			if err != nil {
				return err
			}
			environ, err := environment(cmd.Context(), filesDir, readyTimeout)
			if err != nil {
				return err
			}
			if err := removeStale(pidFiles); err != nil {
				return err
			}
			return run(args, environ, stop)
		},
	}
	// What follows the command is the command's.
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().StringVar(&filesDir, "files-dir", config.FilesDir, "folder that the agent renders into")
	cmd.Flags().DurationVar(&readyTimeout, "ready-timeout", defaultReadyTimeout, "how long the agent's files are waited for")
	cmd.Flags().StringVar(&stopSignal, "stop-signal", "", "signal that the application stops on, such as SIGINT")
	cmd.Flags().StringArrayVar(&pidFiles, "pid-file", nil, "file on a volume in which the application keeps its process id; one that is there is removed first")
	return cmd
}

// parseStopSignal gives 0 for "".
func parseStopSignal(name string) (syscall.Signal, error) {
	if name == "" {
		return 0, nil
	}
	stop := unix.SignalNum(name)
	if stop == 0 {
		return 0, fmt.Errorf("--stop-signal %q: no such signal; write it as SIGINT", name)
	}
	return stop, nil
}

// removeStale removes what an earlier container of the pod left when it was killed: in this one, whose processes are numbered anew, the id
// in the file may be that of any process, and the application would take that for itself and refuse to start.
func removeStale(pidFiles []string) error {
	for _, file := range pidFiles {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("--pid-file: a file of an earlier run cannot be removed: %w", err)
		}
	}
	return nil
}

// environment is this process's with the agent's variables in it, which win.
func environment(ctx context.Context, filesDir string, readyTimeout time.Duration) ([]string, error) {
	if err := awaitReady(ctx, filepath.Join(filesDir, config.ReadyFile), readyTimeout); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(filesDir, config.EnvFile)) //nolint:gosec // the folder that the pod spec names
	if err != nil {
		return nil, fmt.Errorf("environment from the agent: %w", err)
	}
	return merge(os.Environ(), strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")), nil
}

func awaitReady(ctx context.Context, file string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the agent has not rendered its files in %s: %s is missing; the log of container \"agent\" says what it waits for", timeout, file)
		case <-ticker.C:
		}
	}
}

// merge replaces variables instead of repeating them: which of two counts differs from program to program.
func merge(base, over []string) []string {
	at := map[string]int{}
	var all []string
	for _, variable := range append(base, over...) {
		name, _, ok := strings.Cut(variable, "=")
		if !ok {
			continue
		}
		if i, seen := at[name]; seen {
			all[i] = variable
			continue
		}
		at[name] = len(all)
		all = append(all, variable)
	}
	return all
}

func run(args, environ []string, stop syscall.Signal) error {
	program, err := lookPath(args[0], environ)
	if err != nil {
		return err
	}
	if stop == 0 {
		return fmt.Errorf("%s: %w", program, syscall.Exec(program, args, environ)) //nolint:gosec // running it is the purpose
	}
	code, err := supervise(program, args, environ, stop)
	if err != nil {
		return err
	}
	os.Exit(code)
	return nil
}

// lookPath finds the program by the PATH that it will itself have.
func lookPath(name string, environ []string) (string, error) {
	for _, variable := range environ {
		if path, ok := strings.CutPrefix(variable, "PATH="); ok {
			if err := os.Setenv("PATH", path); err != nil {
				return "", err
			}
		}
	}
	program, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrDot) {
		return "", fmt.Errorf("%s is in the working directory: write ./%s if that is meant", name, name)
	}
	return program, err
}
