// Package backuptest is what tests of backups and restores need: a Vault with the keys and rights of an environment, its database, and
// what a run is told about them. Locations are those of internal/testing/s3test.
package backuptest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/loopback"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

// The environment that backups are made of.
const (
	Tenant      = "acme"
	Environment = "prod"
	// Prefix of its repository in every bucket.
	Prefix = "backups/crm-acme--prod/1764000000"
	// Copy is the key of an environment that is filled from its backups, of which nothing else exists.
	Copy = "crm-acme--copy"
	// Volume of its class.
	Volume = "uploads"
)

// World is one environment.
type World struct {
	*agenttest.Installation
	Database *agenttest.Database
	// VolumesDir holds the folder Volume.
	VolumesDir string
}

// New makes the environment, with a running database and an empty volume.
func New(t testing.TB) *World {
	t.Helper()
	w := &World{Installation: agenttest.Install(t), VolumesDir: t.TempDir()}
	w.Environment(t, Tenant, Environment)
	w.write(t, "crmkeep-transit/keys/"+key()+".evidence", map[string]any{"type": "ed25519"})
	w.write(t, "crmkeep-transit/keys/"+Copy, map[string]any{"type": "aes256-gcm96"})
	require.NoError(t, os.Mkdir(filepath.Join(w.VolumesDir, Volume), 0o700))
	w.Database = agenttest.StartDatabase(t, w)
	return w
}

func key() string { return naming.WorkloadNamespace(Tenant, Environment) }

// Issue implements agenttest.Issuer by the installation's PKI.
func (w *World) Issue(t testing.TB, dir, commonName string, dnsNames ...string) {
	t.Helper()
	component := w.Component(t, Tenant, Environment, componentOf(t, commonName), dnsNames...)
	token := w.TokenFile(t, Tenant, Environment, componentOf(t, commonName))
	sign(t, component, token, dir)
}

// Options of a run of a component, "backup" or "restore", that is told cfg.
func (w *World) Options(t testing.TB, component string, cfg config.Config) job.Options {
	t.Helper()
	o := job.Options{
		ConfigDir: t.TempDir(), TokenFile: w.TokenFile(t, Tenant, Environment, component), ScratchDir: t.TempDir(),
		VolumesDir: w.VolumesDir, ResultFile: filepath.Join(t.TempDir(), "result"), ProgressAddress: loopback.Address(t),
	}
	text, err := yaml.Marshal(cfg)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(o.ConfigDir, config.FileName), text, 0o600))
	return o
}

// Config is what a run of a component is told, without what it is to do. The rights in Vault are those of the policies of
// internal/vault/bootstrap.
func (w *World) Config(t testing.TB, component string, locations ...config.Location) config.Config {
	t.Helper()
	c := w.Component(t, Tenant, Environment, component)
	role := naming.BackupRole(agenttest.DatabaseName)
	if component == naming.ComponentRestore {
		role = naming.RestoreRole(agenttest.DatabaseName)
	}
	cfg := config.Config{
		Vault: c.Vault, Certificate: c.Certificate, Locations: locations, Volumes: []string{Volume},
		Keys: config.Keys{
			Name: key(), DataKeyPath: "crmkeep-transit/datakey/plaintext/" + key(), DecryptPath: c.DataKey.DecryptPath,
			SignPath: "crmkeep-transit/sign/" + key() + ".evidence", EvidencePath: "crmkeep-transit/keys/" + key() + ".evidence",
			WrappedPath: c.DataKey.WrappedPath,
		},
		Database: config.Database{
			Address: w.Database.Address, ServerName: agenttest.DatabaseHost, Name: agenttest.DatabaseName, User: role, Owner: agenttest.DatabaseName,
		},
	}
	rights := `
path "` + cfg.Certificate.SignPath + `" { capabilities = ["update"] }
path "` + cfg.Keys.DecryptPath + `" { capabilities = ["create", "update"] }
path "` + cfg.Keys.EvidencePath + `" { capabilities = ["read"] }
path "crmkeep-kv/data/locations/*" { capabilities = ["read"] }`
	if component == naming.ComponentRestore {
		rights += `
path "crmkeep-transit/encrypt/` + Copy + `" { capabilities = ["update"] }
path "crmkeep-kv/data/` + Copy + `/data-key" { capabilities = ["create", "read"] }`
	}
	if component == naming.ComponentBackup {
		rights += `
path "` + cfg.Keys.DataKeyPath + `" { capabilities = ["create", "update"] }
path "` + cfg.Keys.SignPath + `" { capabilities = ["create", "update"] }
path "` + cfg.Keys.WrappedPath + `" { capabilities = ["read"] }`
	}
	require.NoError(t, w.Root.Sys().PutPolicy(naming.CommonName(Tenant, Environment, component), rights))
	return cfg
}

// Location is a new server's, below Prefix, with its credentials in Vault.
func (w *World) Location(t testing.TB, name string) (*s3test.Server, config.Location) {
	t.Helper()
	server := s3test.Start(t, "backups")
	w.Credentials(t, name, server.AccessKeyID, server.SecretAccessKey)
	return server, server.Location(name, "backups", Prefix)
}

// Credentials puts the credentials of a location into Vault.
func (w *World) Credentials(t testing.TB, location, id, key string) {
	t.Helper()
	w.write(t, "crmkeep-kv/data/locations/"+location, map[string]any{"data": map[string]any{"accessKeyID": id, "secretAccessKey": key}})
}

func (w *World) write(t testing.TB, path string, body map[string]any) {
	t.Helper()
	_, err := w.Root.Logical().Write(path, body)
	require.NoError(t, err, path)
}
