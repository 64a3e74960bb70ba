package restore_test

import (
	"testing"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/restore"
)

func TestMain(m *testing.M) { backuptest.Main(m, restore.NewCommand) }
