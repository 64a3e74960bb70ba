package controllers_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/bootstrap"
)

// reader is a person who types the commands of a page into a shell, as they are. An installation of its own has the names of the page.
type reader struct {
	protected

	blocks      []string
	dir         string
	environment []string
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// reader makes one of a page in docs/how-to, in an installation with the policies of admission that a tenant's kinds meet.
func (in *installation) reader(t *testing.T, page string) *reader {
	t.Helper()
	content, err := os.ReadFile(apitest.File("docs/how-to/" + page))
	require.NoError(t, err)
	for _, file := range []string{"drills.yaml", "home_namespaces.yaml"} {
		in.enforce(t, "config/admission/"+file)
	}
	r := &reader{protected: in.protectedAt(t, "acme", []string{"cn-east", "cn-north"}), dir: t.TempDir()}
	for _, found := range shellBlock.FindAllStringSubmatch(string(content), -1) {
		r.blocks = append(r.blocks, found[1])
	}
	programs, self := t.TempDir(), os.Args[0]
	require.NoError(t, os.Symlink(self, filepath.Join(programs, crmkeepProgram)))
	r.environment = append(os.Environ(), "KUBECONFIG="+in.server.Kubeconfig(t), "VAULT_TOKEN="+in.vault.RootToken,
		"PATH="+strings.Join([]string{programs, os.Getenv("KUBEBUILDER_ASSETS"), os.Getenv("PATH")}, string(os.PathListSeparator)))
	return r
}

// enforce creates what a file declares.
func (in *installation) enforce(t *testing.T, file string) {
	t.Helper()
	content, err := os.Open(apitest.File(file))
	require.NoError(t, err)
	defer content.Close() //nolint:errcheck // it was read only
	for decoder := yaml.NewYAMLOrJSONDecoder(content, 4096); ; {
		o := &unstructured.Unstructured{}
		if decoder.Decode(o) != nil {
			return
		}
		require.NoError(t, in.Create(t.Context(), o))
	}
}

// types runs a script to its end, and gives what it prints.
func (r *reader) types(t *testing.T, script string) string {
	t.Helper()
	return r.begins(t, script)()
}

// begins runs a script that waits for what the test does meanwhile. The function that it returns waits for the script's end.
func (r *reader) begins(t *testing.T, script string) (ends func() string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	command.Dir, command.Env = r.dir, r.environment
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	require.NoError(t, command.Start())
	return func() string {
		t.Helper()
		require.NoError(t, command.Wait(), "%s\n%s", script, &problems)
		return out.String()
	}
}

// crmkeepProgram is the name under which the test's own program is crmkeep.
const crmkeepProgram = "crmkeep"

// crmkeep does of crmkeep what the pages need: "vault bootstrap".
func crmkeep(args []string) int {
	if len(args) < 2 || args[0] != "vault" || args[1] != "bootstrap" {
		fmt.Fprintln(os.Stderr, "no such command:", args)
		return 2
	}
	command := bootstrap.NewCommand()
	command.SetArgs(args[2:])
	if command.Execute() != nil {
		return 1
	}
	return 0
}

// backedUp puts the manifest of a backup into all locations, as its run would have.
func (p protected) backedUp(t *testing.T, id string) {
	t.Helper()
	text, err := p.manifest(id).Encode()
	require.NoError(t, err)
	signed := p.sign(t, text)
	for _, location := range p.locations {
		p.put(t, location, id, signed)
	}
}

func TestTheCommandsForALostClusterBringAnEnvironmentBack(t *testing.T) {
	in := install(t)
	in.operate(t)
	r := in.reader(t, "rehearse-a-disaster.md")
	require.Len(t, r.blocks, 4)
	const newest = "nightly-202611201900-0b9c2a4e"
	r.backedUp(t, newest)
	born := r.env.Status.Encryption.KeyCreated.UTC().Format(time.RFC3339)
	require.NoError(t, in.Delete(t.Context(), r.env))
	in.gone(t, r.env)
	r.env = in.environment(t, "acme", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateQuarantined })
	in.comesTo(t, r.env, "True Quarantined")

	assert.Contains(t, r.types(t, r.blocks[0]), `"keyCreated": "`+born+`"`)
	assert.Contains(t, r.types(t, r.blocks[1]), newest)
	r.types(t, r.blocks[2])
	restores := r.begins(t, r.blocks[3])
	r.tells(t, "restore.after-the-fire", 0, restored)
	restores()
	in.comesTo(t, r.env, "True Quarantined")
}

func TestTheCommandsForAMoveTakeAnEnvironmentToAnotherCluster(t *testing.T) {
	in := install(t)
	stop := in.operate(t)
	r := in.reader(t, "move-to-another-cluster.md")
	require.Len(t, r.blocks, 5)
	r.schedule(t, "nightly", func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Schedule = rarely })
	born := r.env.Status.Encryption.KeyCreated
	r.types(t, r.blocks[0])

	leaves := r.begins(t, r.blocks[1])
	last := r.finalBackup(t, 1)
	r.tells(t, "backup."+last.Name, 0, told(r.locations))
	leaves()
	id := strings.TrimSpace(r.types(t, r.blocks[2]))
	assert.True(t, strings.HasPrefix(id, last.Name+"-"), "%q", id)
	r.backedUp(t, id)
	stop()
	in.becomesAnotherCluster(t)

	in.settings.Vault.AuthMount = "kubernetes-2"
	var err error
	layout := target.VaultSettings(in.settings)
	in.keys, err = vault.New(vault.Config{
		Address: in.vault.Address, Settings: layout, Login: vault.KubernetesLogin(layout, in.prepared.TokenFile), Timeout: 10 * time.Second,
	})
	require.NoError(t, err)
	in.operate(t)
	r.types(t, "kubectl apply -f crmclasses.json -f crmbackuplocations.json -f crmtenants.json")
	for file, content := range map[string]string{"vault-ca.pem": r.objects.CABundle, "new-cluster-ca.pem": r.objects.CABundle, "new-reviewer.jwt": "reviewer"} {
		require.NoError(t, os.WriteFile(filepath.Join(r.dir, file), []byte(content), 0o600))
	}
	handover := strings.NewReplacer("https://vault.example:8200", in.vault.Address, "https://NEW-API-SERVER:6443", in.prepared.KubernetesURL())
	assert.Contains(t, r.types(t, handover.Replace(r.blocks[3])), "unchanged")

	in.until(t, "the tenant's home is there again", func() error {
		return in.Get(t.Context(), client.ObjectKey{Name: r.env.Namespace}, &corev1.Namespace{})
	})
	arrives := r.begins(t, strings.ReplaceAll(r.blocks[4], "ID-FROM-STEP-2", id))
	r.tells(t, "restore.moved", 0, restored)
	arrives()
	in.comesTo(t, r.env, "True Quarantined")
	assert.Equal(t, born, r.env.Status.Encryption.KeyCreated, "it has the key that it had")
	r.types(t, "kubectl apply -f rest.json")
}

// becomesAnotherCluster takes away all that is crmkeep's in the cluster, while no operator runs. Vault and the buckets stay.
func (in *installation) becomesAnotherCluster(t *testing.T) {
	t.Helper()
	home := naming.HomeNamespace("acme")
	lists := []client.ObjectList{
		&v1alpha1.CRMEnvironmentList{}, &v1alpha1.CRMRestoreList{}, &v1alpha1.CRMBackupList{}, &v1alpha1.CRMBackupScheduleList{},
		&v1alpha1.CRMTenantList{}, &v1alpha1.CRMBackupLocationList{}, &v1alpha1.CRMClassList{},
	}
	for _, list := range lists {
		in.takeAway(t, list)
	}
	for _, name := range []string{naming.WorkloadNamespace("acme", "prod"), home} {
		require.NoError(t, in.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	}
	for _, name := range []string{naming.WorkloadNamespace("acme", "prod"), home} {
		in.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
}

// takeAway deletes all objects of a kind, whatever holds them.
func (in *installation) takeAway(t *testing.T, list client.ObjectList) {
	t.Helper()
	require.NoError(t, in.List(t.Context(), list))
	require.NoError(t, meta.EachListItem(list, func(item runtime.Object) error {
		o, ok := item.(client.Object)
		if !ok {
			return fmt.Errorf("%T is no object", item)
		}
		edit(t, in, o, func(o client.Object) { o.SetFinalizers(nil) })
		return client.IgnoreNotFound(in.Delete(t.Context(), o))
	}))
}
