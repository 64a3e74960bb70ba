package howto_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/run"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

//go:embed read-a-backup-by-hand.md
var page string

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "vault" {
		os.Exit(vault(os.Args[1:]))
	}
	backuptest.Main(m, run.NewCommand)
}

var (
	block    = regexp.MustCompile("(?s)```sh\n(.*?)```")
	variable = regexp.MustCompile(`\b([A-Z0-9_]+)=`)
)

// The page's first block are the values of a person; all others are run as they are.
func TestABackupIsReadWithTheCommandsOfThePage(t *testing.T) {
	s3test.Restic(t)
	w := backuptest.New(t)
	w.Database.Execute(t, `create table contact (id int primary key, name text)`, `insert into contact select i, 'Li Na ' || i from generate_series(1, 5000) i`)
	require.NoError(t, os.WriteFile(filepath.Join(w.VolumesDir, backuptest.Volume, "offer.pdf"), []byte("an offer"), 0o600))
	server, location := w.Location(t, "east")
	key := naming.WorkloadNamespace(backuptest.Tenant, backuptest.Environment)
	location.Prefix = fmt.Sprintf("keep/%s/%s", key, birth(t, w.Root, key))
	cfg := w.Config(t, naming.ComponentBackup, location)
	cfg.Backup = &config.Backup{ID: "nightly-1", Tenant: backuptest.Tenant, Environment: backuptest.Environment, Class: "tryton", Version: "6.0"}
	require.NoError(t, run.Run(t.Context(), w.Options(t, naming.ComponentBackup, cfg), slog.New(slog.DiscardHandler)))

	blocks := block.FindAllStringSubmatch(page, -1)
	require.Greater(t, len(blocks), 8)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "location-ca.pem"), []byte(server.CABundle), 0o600))
	values := map[string]string{
		"VAULT_ADDR": w.Vault.Address, "NAMESPACE": key, "LOCATION": "east", "ENDPOINT": server.Endpoint, "REGION": s3test.Region,
		"BUCKET": "backups", "PREFIX": "keep", "S3_CA": filepath.Join(dir, "location-ca.pem"), "ID": "nightly-1",
	}
	script := []string{"set -eu"}
	for _, found := range variable.FindAllStringSubmatch(blocks[0][1], -1) {
		require.Contains(t, values, found[1], "the page has a value that the test has not")
		script = append(script, fmt.Sprintf("export %s='%s'", found[1], values[found[1]]))
		delete(values, found[1])
	}
	require.Empty(t, values, "the page has all that its commands need")
	for _, b := range blocks[1 : len(blocks)-1] {
		script = append(script, b[1])
	}
	out := shell(t, w, dir, script)
	assert.Contains(t, out, "<Key>"+location.Prefix+"/manifests/nightly-1.json</Key>")
	assert.Contains(t, out, "Signature Verified Successfully")
	assert.Contains(t, out, "no errors were found")
	assert.NotContains(t, out, "and should have")
	offer, err := os.ReadFile(filepath.Join(dir, "files", backuptest.Volume, "offer.pdf"))
	require.NoError(t, err)
	assert.Equal(t, "an offer", string(offer))
	assert.FileExists(t, filepath.Join(dir, "data-key"))
	assert.Contains(t, shell(t, w, dir, []string{"psql -XAt -d recovered -c 'select count(*) from public.contact'"}), "5000")

	script = append(script[:0], blocks[len(blocks)-1][1])
	shell(t, w, dir, script)
	assert.NoFileExists(t, filepath.Join(dir, "data-key"))
	assert.NoFileExists(t, filepath.Join(dir, "database.sql"))
}

// birth of a key, as Vault tells it.
func birth(t *testing.T, root *api.Client, key string) string {
	t.Helper()
	answer, err := root.Logical().Read("crmkeep-transit/keys/" + key)
	require.NoError(t, err)
	versions, ok := answer.Data["keys"].(map[string]any)
	require.True(t, ok)
	return fmt.Sprint(versions["1"])
}

// shell runs a script with Postgres' administrator, and with the test's own program as Vault's command.
func shell(t *testing.T, w *backuptest.World, dir string, script []string) string {
	t.Helper()
	programs := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(programs, "vault")))
	_, port, err := net.SplitHostPort(w.Database.Address)
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), "bash", "-c", strings.Join(script, "\n"))
	command.Dir = dir
	command.Env = append(os.Environ(),
		"PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"), "VAULT_ADDR="+w.Vault.Address, "VAULT_TOKEN="+w.Vault.RootToken,
		"PGHOST="+w.Database.Settings.SocketDir, "PGPORT="+port, "PGUSER=postgres")
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	require.NoError(t, command.Run(), out.String())
	return out.String()
}

// vault does of Vault's own command what the page needs: "read -format=json", "write -field" and "kv get -mount -field".
func vault(args []string) int {
	if err := answer(args); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		return 2
	}
	return 0
}

func answer(args []string) error {
	flags, rest := map[string]string{}, []string{}
	for _, arg := range args {
		if name, value, ok := strings.Cut(strings.TrimPrefix(arg, "-"), "="); ok && strings.HasPrefix(arg, "-") {
			flags[name] = value
		} else {
			rest = append(rest, arg)
		}
	}
	client, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		return err
	}
	var secret *api.Secret
	switch rest[0] {
	case "read":
		secret, err = client.Logical().Read(rest[1])
	case "write":
		name, value, _ := strings.Cut(rest[2], "=")
		secret, err = client.Logical().Write(rest[1], map[string]any{name: value})
	case "kv":
		secret, err = client.Logical().Read(flags["mount"] + "/data/" + rest[2])
	}
	if err != nil || secret == nil {
		return fmt.Errorf("%v: %w", args[0], err)
	}
	data := secret.Data
	if rest[0] == "kv" {
		data, _ = data["data"].(map[string]any)
	}
	if flags["format"] == "json" {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"data": data})
	}
	_, err = fmt.Println(data[flags["field"]])
	return err
}
