package backuptest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/job"
)

// AsCommandEnv makes a tests' program be the command that Main was given, so that a test can kill it.
const AsCommandEnv = "CRMKEEP_TEST_AS_COMMAND"

// Main runs the tests, or with AsCommandEnv the command.
func Main(m *testing.M, command func() *cobra.Command) {
	// Postgres' programs are in the image's path; here they are where Debian puts them.
	_ = os.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+filepath.Dir(agenttest.Program("pg_dump")))
	if os.Getenv(AsCommandEnv) == "" {
		agenttest.Main(m)
		return
	}
	cmd := command()
	cmd.SetArgs(os.Args[1:])
	if err := cmd.ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(job.ExitCode(err))
	}
}
