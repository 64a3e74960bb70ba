package restore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/restore"
)

// asCommandEnv makes the tests' program be `crmkeep restore`.
const asCommandEnv = "CRMKEEP_TEST_AS_RESTORE"

func TestMain(m *testing.M) {
	// Postgres' programs are in the image's path; here they are where Debian puts them.
	_ = os.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+filepath.Dir(agenttest.Program("psql")))
	if os.Getenv(asCommandEnv) == "" {
		agenttest.Main(m)
		return
	}
	command := restore.NewCommand()
	command.SetArgs(os.Args[1:])
	if err := command.ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
