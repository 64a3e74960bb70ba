package faults

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// sandbox is the name of a copy, and of the restore that makes it.
const sandbox = "sandbox"

// copies are the stages of a life in which a backup is restored into an environment of its own.
var copies = []stage{
	{
		name:  "copy",
		begin: func(t *testing.T, w *world) { w.create(t, intoNew()) },
		done:  func(t *testing.T, w *world) error { return w.isRunning(t, sandbox, runOfSource(sandbox)) },
	},
	{
		name:  "copy's data",
		begin: func(*testing.T, *world) {},
		done: func(t *testing.T, w *world) error {
			r := intoNew()
			if err := errors.Join(w.isFilled(t, sandbox), w.environmentIs(t, mortal, sandbox, "True Succeeded"), w.Get(t.Context(), client.ObjectKeyFromObject(r), r)); err != nil {
				return err
			}
			return statuscheck.Is(r.Generation, r.Status.ObservedGeneration, r.Status.Conditions, "True Succeeded")
		},
	},
	{
		name: "copy's end",
		begin: func(t *testing.T, w *world) {
			require.NoError(t, w.Delete(t.Context(), intoNew()))
			require.NoError(t, w.Delete(t.Context(), build.Environment(mortal, sandbox)))
		},
		done: func(t *testing.T, w *world) error {
			return errors.Join(w.isGone(t, intoNew()), w.isGone(t, build.Environment(mortal, sandbox)))
		},
	},
}

// Whoever goes by an environment's status goes by what was, however late that comes about.
func TestACopyWhoseStatusIsLateGetsItsData(t *testing.T) {
	w := newWorld(t)
	m := w.start(t)
	for _, s := range lifecycle {
		if s.name == copies[0].name {
			w.api.Use(func(r faultproxy.Request) faultproxy.Fault {
				if r.IsWrite() && strings.HasSuffix(r.Path, "/crmenvironments/"+sandbox+"/status") {
					return faultproxy.Fault{Delay: 4 * time.Second}
				}
				return faultproxy.Fault{}
			})
		}
		w.pass(t, s)
		w.settle(t, m)
		if s.name == copies[1].name {
			return
		}
	}
}

func intoNew() *v1alpha1.CRMRestore {
	return &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(mortal), Name: sandbox},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: newerBackup}},
			To:   v1alpha1.RestoreTo{NewEnvironment: &v1alpha1.NewEnvironment{Name: sandbox}},
		},
	}
}

// runOfSource is the run that fills a copy.
func runOfSource(environment string) string {
	return naming.RunOf(naming.RunRestore, naming.SourceRestore(environment))
}

// isFilled plays what fills a copy, and tells whether it is filled, has the data key of the environment that was backed up, and nothing of
// the runs is left.
func (w *world) isFilled(t *testing.T, environment string) error {
	t.Helper()
	w.fill(t, environment)
	source := &v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(mortal), Name: naming.SourceRestore(environment)}}
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(source), source); err != nil {
		return err
	}
	if source.Status.Phase != v1alpha1.PhaseComplete || source.Status.KeptUntil != nil || len(source.Finalizers) > 0 {
		return fmt.Errorf("%s is in phase %q, kept until %v", source.Name, source.Status.Phase, source.Status.KeptUntil)
	}
	if w.dataKey(t, mortal, environment) != w.dataKey(t, mortal, mortalName) {
		return fmt.Errorf("%s has another data key than it was filled with", environment)
	}
	return nil
}

// fill plays what fills a copy.
func (w *world) fill(t *testing.T, environment string) {
	t.Helper()
	if w.isRunning(t, environment, runOfSource(environment)) == nil {
		w.bringDataKey(t, environment)
	}
	w.play(t, environment, runOfSource(environment), result.Result{ManifestDigest: strings.Repeat("0a", 32), Rows: 42})
	w.play(t, environment, naming.RunOf(naming.RunDrop, naming.SourceRestore(environment)), result.Result{})
}

// bringDataKey does what the run does before it ends: it wraps the data key with the copy's own key, once.
func (w *world) bringDataKey(t *testing.T, environment string) {
	t.Helper()
	own := w.layoutOf(mortal, environment)
	if w.vaultRead(t, w.Layout.KVDataPath(own.DataKey.Path)) != nil {
		return
	}
	wrapped, err := w.Vault.Root(t).Logical().WriteWithContext(t.Context(), w.Layout.TransitPath("encrypt", own.EncryptionKey.Name), map[string]any{
		"plaintext": w.dataKey(t, mortal, mortalName),
	})
	require.NoError(t, err)
	_, err = w.Vault.Root(t).KVv2(w.Layout.KVMount()).Put(t.Context(), own.DataKey.Path, map[string]any{
		"ciphertext": wrapped.Data["ciphertext"], "source": "the backup's",
	}, api.WithCheckAndSet(0))
	require.NoError(t, err)
}
