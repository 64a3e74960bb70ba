// Package postgres is what crmkeep does in a database pod: the first initialisation of the data directory, and the roles and the
// database of a running server.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
)

// versionFile is written last by initdb's bootstrap and read first by the server.
const versionFile = "PG_VERSION"

// NewInitCommand makes the command of the init container of a database pod. It runs in the image of the server, which has initdb.
func NewInitCommand() *cobra.Command {
	var dataDir, initdb string
	cmd := &cobra.Command{
		Use:   "postgres-init --data DIR",
		Short: "Make an empty data directory ready for the Postgres server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return initialise(cmd.Context(), dataDir, func(ctx context.Context, dir string) error {
				return runInitdb(ctx, cmd, initdb, dir)
			})
		},
	}
	cmd.Flags().StringVar(&dataDir, "data", "", "data directory of the server; its parent must exist")
	cmd.Flags().StringVar(&initdb, "initdb", "initdb", "the initdb program")
	if err := cmd.MarkFlagRequired("data"); err != nil {
		panic(err)
	}
	return cmd
}

// initialise has create make the data directory under another name and renames it, so that a crash leaves either nothing or all
// of it. It never touches a directory with content, except for the mode that the server insists on.
func initialise(ctx context.Context, dataDir string, create func(ctx context.Context, dir string) error) error {
	_, err := os.Stat(filepath.Join(dataDir, versionFile))
	if err == nil {
		// Kubelet makes volumes accessible to the pod's group.
		return os.Chmod(dataDir, 0o700) //nolint:gosec // a directory
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Remove fails when there is something in it.
	if err := os.Remove(dataDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the data directory has content, but not that of a Postgres server: %w", err)
	}
	draft := filepath.Clean(dataDir) + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	if err := create(ctx, draft); err != nil {
		return err
	}
	if err := os.Rename(draft, dataDir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dataDir))
}

func runInitdb(ctx context.Context, cmd *cobra.Command, program, dir string) error {
	initdb := exec.CommandContext(ctx, program, "--pgdata="+dir, "--username="+serverconfig.Superuser, "--auth-local=peer", "--auth-host=reject", //nolint:gosec // the program is the pod spec's
		"--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions")
	initdb.Stdout, initdb.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
	if err := initdb.Run(); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	return nil
}

// syncDir makes a rename in dir survive a power cut.
func syncDir(dir string) error {
	handle, err := os.Open(dir) //nolint:gosec // the folder that the pod spec names
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}
