package backup

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	agent "github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

// sides that are compared.
type sides struct {
	*backuptest.World
	server       *s3test.Server
	location     config.Location
	repositories int
}

// newRepository is a place in the bucket where nothing is yet.
func (s *sides) newRepository() config.Location {
	s.repositories++
	location := s.location
	location.Prefix = fmt.Sprintf("round-%d", s.repositories)
	return location
}

// backup runs `crmkeep backup` as a process of its own.
func (s *sides) backup(b *testing.B, location config.Location, id string) measured {
	b.Helper()
	cfg := s.Config(b, naming.ComponentBackup, location)
	cfg.Backup = &config.Backup{ID: id, Tenant: backuptest.Tenant, Environment: backuptest.Environment, Class: "tryton", Version: "6.0"}
	m, r := s.crmkeep(b, naming.ComponentBackup, cfg)
	m.Bytes, m.Added, m.Stages, m.digest = r.Bytes, r.Locations[0].BytesAdded, r.Seconds, r.ManifestDigest
	return m
}

// crmkeep runs a subcommand, which is a component's, as a process of its own.
func (s *sides) crmkeep(b *testing.B, component string, cfg config.Config) (m measured, r result.Result) {
	b.Helper()
	o := s.Options(b, component, cfg)
	self, err := os.Executable()
	require.NoError(b, err)
	process := exec.Command(self, component, "--config", o.ConfigDir, "--token-file", o.TokenFile, "--scratch-dir", o.ScratchDir,
		"--volumes-dir", o.VolumesDir, "--result", o.ResultFile, "--progress-address", o.ProgressAddress)
	process.Env = append(os.Environ(), backuptest.AsCommandEnv+"=1")
	m.run(b, process)
	message, err := os.ReadFile(o.ResultFile)
	require.NoError(b, err)
	r, err = result.ParseResult(string(message), []string{s.location.Name})
	require.NoError(b, err)
	require.Empty(b, r.Reason, r.Message)
	return m, r
}

// shell runs what an administrator types, with access to the database as a component and to a repository of their own, in the folder of
// the volume.
func (s *sides) shell(b *testing.B, component, role string, location config.Location, script string) (m measured) {
	b.Helper()
	certificates := s.Database.CertDir(b, component)
	ca := filepath.Join(b.TempDir(), "ca.pem")
	require.NoError(b, os.WriteFile(ca, []byte(location.CABundle), 0o600))
	host, port, _ := strings.Cut(s.Database.Address, ":")
	command := exec.Command("bash", "-euo", "pipefail", "-c", script)
	command.Dir = filepath.Join(s.VolumesDir, backuptest.Volume)
	command.Env = append(os.Environ(),
		"PGHOST="+agenttest.DatabaseHost, "PGHOSTADDR="+host, "PGPORT="+port, "PGDATABASE="+agenttest.DatabaseName,
		"PGUSER="+role, "PGSSLMODE=verify-full",
		"PGSSLCERT="+filepath.Join(certificates, agent.CertFile), "PGSSLKEY="+filepath.Join(certificates, agent.KeyFile),
		"PGSSLROOTCERT="+filepath.Join(certificates, agent.CAFile),
		"RESTIC_REPOSITORY=s3:"+location.Endpoint+"/"+location.Bucket+"/"+location.Prefix, "RESTIC_PASSWORD=by hand", "RESTIC_CACERT="+ca,
		"AWS_ACCESS_KEY_ID="+s.server.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+s.server.SecretAccessKey, "AWS_DEFAULT_REGION="+location.Region,
		"XDG_CACHE_HOME="+b.TempDir())
	m.run(b, command)
	return m
}

// byHand types what an administrator would, from the empty repository on.
func (s *sides) byHand(b *testing.B, location config.Location) measured {
	b.Helper()
	out := filepath.Join(b.TempDir(), "summaries")
	m := s.shell(b, naming.ComponentBackup, naming.BackupRole(agenttest.DatabaseName), location,
		"restic init --quiet; pg_dump | restic backup --json --quiet --stdin --stdin-filename database.sql >"+out+
			"; restic backup --json --quiet . >>"+out)
	summaries, err := os.ReadFile(out)
	require.NoError(b, err)
	for line := range strings.Lines(string(summaries)) {
		var summary struct {
			Bytes int64 `json:"total_bytes_processed"`
			Added int64 `json:"data_added_packed"`
		}
		require.NoError(b, json.Unmarshal([]byte(line), &summary))
		m.Bytes, m.Added = m.Bytes+summary.Bytes, m.Added+summary.Added
	}
	return m
}
