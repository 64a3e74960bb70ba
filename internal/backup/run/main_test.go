package run_test

import (
	"testing"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/run"
)

func TestMain(m *testing.M) { backuptest.Main(m, run.NewCommand) }
