package faults

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/operator"
)

// The tenant and the environment whose life is lived again and again: with the same names, every digest is the same too.
const (
	mortal     = "mortal"
	mortalName = "prod"
)

// stage of a life cycle.
type stage struct {
	name string
	// begin declares what is wanted.
	begin func(*testing.T, *world)
	// done tells what is missing.
	done func(*testing.T, *world) error
}

// lifecycle is everything that can be asked of a tenant and an environment, in an order that meets all.
var lifecycle = slices.Concat(growth, policies, backups, copies, drills, withdrawal, decline)

// growth is what comes before backups.
var growth = []stage{
	{
		name:  "tenant",
		begin: func(t *testing.T, w *world) { w.create(t, build.Tenant(mortal)) },
		done:  func(t *testing.T, w *world) error { return w.tenantIs(t, mortal, "True Succeeded") },
	},
	{
		name: "environment",
		begin: func(t *testing.T, w *world) {
			w.create(t, build.Environment(mortal, mortalName, func(e *v1alpha1.CRMEnvironment) {
				e.Spec.Version, e.Spec.Hostname, e.Spec.DeletionPolicy = "1.0", "crm.mortal.example", v1alpha1.DeletionShred
			}))
		},
		done: comesTo("True Succeeded"),
	},
	{
		name:  "version",
		begin: edited(func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "2.0" }),
		done:  comesTo("True Succeeded"),
	},
	{
		name:  "suspend",
		begin: edited(func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended }),
		done:  comesTo("True Suspended"),
	},
	{
		name:  "quarantine",
		begin: edited(func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateQuarantined }),
		done:  comesTo("True Quarantined"),
	},
	{
		name:  "resume",
		begin: edited(func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateRunning }),
		done:  comesTo("True Succeeded"),
	},
	{
		// Vault rotates by itself; the edit makes the operator look at once.
		name: "rotate",
		begin: func(t *testing.T, w *world) {
			path := w.Layout.TransitPath("keys", w.layoutOf(mortal, mortalName).EncryptionKey.Name) + "/rotate"
			_, err := w.Vault.Root(t).Logical().WriteWithContext(t.Context(), path, nil)
			require.NoError(t, err)
			edited(func(e *v1alpha1.CRMEnvironment) {
				e.Spec.Encryption = &v1alpha1.EnvironmentEncryption{KeyRotationDays: build.Pointer[int32](7)}
			})(t, w)
		},
		done: comesTo("True Succeeded"),
	},
}

// decline is what comes after them.
var decline = []stage{
	{
		// A final backup comes before it.
		name: "shred",
		begin: func(t *testing.T, w *world) {
			w.edit(t, mortal, mortalName, func(e *v1alpha1.CRMEnvironment) {
				e.Spec.FinalBackup = &v1alpha1.FinalBackup{Locations: []string{mortal}}
			})
			require.NoError(t, w.Delete(t.Context(), build.Environment(mortal, mortalName)))
		},
		done: func(t *testing.T, w *world) error { return w.isShredded(t) },
	},
	{
		name:  "tenant's end",
		begin: func(t *testing.T, w *world) { require.NoError(t, w.Delete(t.Context(), build.Tenant(mortal))) },
		done:  func(t *testing.T, w *world) error { return w.isGone(t, build.Tenant(mortal)) },
	},
}

func edited(change func(*v1alpha1.CRMEnvironment)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) { w.edit(t, mortal, mortalName, change) }
}

func comesTo(want string) func(*testing.T, *world) error {
	return func(t *testing.T, w *world) error { return w.environmentIs(t, mortal, mortalName, want) }
}

// reference is how a life goes that nobody disturbs.
type reference struct {
	// after each stage, what there is.
	after []map[string]string
	// writes that each stage took.
	writes []int
}

// pass lives through a stage.
func (w *world) pass(t *testing.T, s stage) {
	t.Helper()
	s.begin(t, w)
	w.until(t, s.name, func() error { return s.done(t, w) })
}

// undisturbed lives once.
func (w *world) undisturbed(t *testing.T, m *operator.Manager) reference {
	t.Helper()
	var r reference
	for _, s := range lifecycle {
		w.api.Reset()
		w.secrets.Reset()
		began := time.Now()
		w.pass(t, s)
		w.settle(t, m)
		r.after = append(r.after, w.snapshot(t, mortal))
		r.writes = append(r.writes, w.writes())
		t.Logf("%s: %d writes, %.1f s", s.name, r.writes[len(r.writes)-1], time.Since(began).Seconds())
	}
	w.destroyed(t)
	w.bury(t)
	return r
}

// live lives once more, each stage as bring says, and checks that each ends as it does undisturbed. What bring gives are the managers
// that run then.
func (w *world) live(t *testing.T, expected reference, bring func(i int, s stage) *operator.Manager) {
	t.Helper()
	var dataKey string
	for i, s := range lifecycle {
		w.settle(t, bring(i, s))
		w.same(t, expected.after[i])
		switch s.name {
		case "environment":
			dataKey = w.dataKey(t, mortal, mortalName)
		case "tenant", "shred", "tenant's end": // There is none.
		default:
			require.Equal(t, dataKey, w.dataKey(t, mortal, mortalName), "%s has changed the data key", s.name)
		}
	}
	w.destroyed(t)
	w.bury(t)
}

// writes of the manager that lead to something.
func (w *world) writes() int {
	n := 0
	for _, r := range append(w.api.Writes(), w.secrets.Writes()...) {
		if counts(r) {
			n++
		}
	}
	return n
}

// same waits until there is what there would be without any fault, and nothing else.
func (w *world) same(t *testing.T, want map[string]string) {
	t.Helper()
	w.until(t, "there is what there would be", func() error {
		if diff := cmp.Diff(want, w.snapshot(t, mortal)); diff != "" {
			return fmt.Errorf("(-want +got)\n%s", diff)
		}
		return nil
	})
}

// destroyed checks the certificate of the shred: one, that anybody can verify, and that tells of every version of the key and of the
// backups that went with it.
func (w *world) destroyed(t *testing.T) {
	t.Helper()
	var found corev1.ConfigMapList
	require.NoError(t, w.List(t.Context(), &found, client.InNamespace(naming.HomeNamespace(mortal)), client.HasLabels{naming.LabelEvidence}))
	of := slices.DeleteFunc(found.Items, func(c corev1.ConfigMap) bool { return !strings.HasPrefix(c.Name, "destroyed-"+mortalName+"-") })
	require.Len(t, of, 1)
	var certificate evidence.Certificate
	require.NoError(t, json.Unmarshal([]byte(of[0].Data["certificate.json"]), &certificate))
	statement, err := certificate.Verify()
	require.NoError(t, err)
	assert.EqualValues(t, 2, statement.KeyVersions)
	assert.Equal(t, "Wei Zhang", statement.Owner)
	assert.Len(t, statement.Backups, 2, "the schedule's and the final one")
}

// bury takes away what outlives a tenant on purpose, so that the next life begins with nothing.
func (w *world) bury(t *testing.T) {
	t.Helper()
	w.buryBackups(t)
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: naming.HomeNamespace(mortal)}}
	require.NoError(t, w.DeleteAllOf(t.Context(), &corev1.ConfigMap{}, client.InNamespace(home.Name)))
	require.NoError(t, w.DeleteAllOf(t.Context(), &corev1.ResourceQuota{}, client.InNamespace(home.Name)))
	require.NoError(t, w.Delete(t.Context(), home))
	require.NoError(t, w.SubResource("finalize").Update(t.Context(), home), "at once: Kubernetes waits for some seconds")
	root := w.Vault.Root(t).Logical()
	for _, key := range w.vaultList(t, w.Layout.TransitMount()+"/keys", mortal) {
		require.True(t, strings.HasSuffix(key, ".evidence"), "key %s has outlived the tenant", key)
		path := w.Layout.TransitPath("keys", key)
		_, err := root.WriteWithContext(t.Context(), path+"/config", map[string]any{"deletion_allowed": true})
		require.NoError(t, err)
		_, err = root.DeleteWithContext(t.Context(), path)
		require.NoError(t, err)
	}
	w.gone(t, home)
	require.Empty(t, w.snapshot(t, mortal))
}
