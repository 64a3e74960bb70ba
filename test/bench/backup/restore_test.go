package backup

import (
	"path/filepath"
	"testing"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// restore runs `crmkeep restore` of a backup in place, which loads it beside what is there as the other side does, and confirms it.
func (s *sides) restore(b *testing.B, location config.Location, of measured) measured {
	b.Helper()
	cfg := s.Config(b, naming.ComponentRestore, location)
	cfg.Restore = &config.Restore{
		ID: "first", ManifestDigest: of.digest, Tenant: backuptest.Tenant, Environment: backuptest.Environment, Name: "bench",
	}
	m, r := s.crmkeep(b, naming.ComponentRestore, cfg)
	m.Bytes, m.Stages = r.Bytes, r.Seconds
	cfg.Restore.Drop = true
	s.crmkeep(b, naming.ComponentRestore, cfg)
	return m
}

// restoreByHand types what an administrator would: a new database, filled as its owner, and the files into a new folder.
func (s *sides) restoreByHand(b *testing.B, location config.Location, bytes int64) measured {
	b.Helper()
	files := filepath.Join(b.TempDir(), "files")
	m := s.shell(b, naming.ComponentRestore, naming.RestoreRole(agenttest.DatabaseName), location,
		`psql -qc "create database by_hand owner crm template template0"
		restic dump --path /database.sql latest /database.sql |
			PGOPTIONS="-c role=crm" psql -q -d by_hand -v ON_ERROR_STOP=1 -f - >/dev/null
		restic restore --quiet --path "$PWD" --target `+files+` latest`)
	m.Bytes = bytes
	s.shell(b, naming.ComponentRestore, naming.RestoreRole(agenttest.DatabaseName), location, `psql -qc "drop database by_hand"`)
	return m
}
