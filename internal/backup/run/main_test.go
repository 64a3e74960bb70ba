package run_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/run"
)

// asCommandEnv makes the tests' program be `crmkeep backup`.
const asCommandEnv = "CRMKEEP_TEST_AS_BACKUP"

func TestMain(m *testing.M) {
	// Postgres' programs are in the image's path; here they are where Debian puts them.
	_ = os.Setenv("PATH", os.Getenv("PATH")+string(os.PathListSeparator)+filepath.Dir(agenttest.Program("pg_dump")))
	if os.Getenv(asCommandEnv) == "" {
		agenttest.Main(m)
		return
	}
	command := run.NewCommand()
	command.SetArgs(os.Args[1:])
	if err := command.ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
