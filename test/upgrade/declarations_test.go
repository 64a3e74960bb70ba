package upgrade

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

const home = "crm-acme"

// told is what the run of a backup tells the manager, in the words of the previous version.
const told = `{"manifestDigest": "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "keyVersion": 1, "tables": 3, "rows": 42,
	"bytes": 4096, "locations": [{"name": "store", "snapshots": ["0011223344"], "bytesAdded": 7}]}`

// settled is what every environment that stays comes to: the summary of its conditions.
var settled = map[string]string{
	"crm-acme/prod":    "True Succeeded",
	"crm-acme/news":    "True Succeeded",
	"crm-acme/resting": "True Suspended",
	"crm-acme/watched": "True Quarantined",
	"crm-acme/held":    "Reconciling ShredHold",
	"crm-careful/prod": "Reconciling ApprovalRequired",
}

// declare has the manager that runs make everything that it should be found with by the next one.
func (w *world) declare(t *testing.T, classes string) {
	t.Helper()
	w.kubectl(t, "apply", "-f", classes)
	w.kubectl(t, "apply", "-f", "testdata/tenants.yaml")
	for _, namespace := range []string{home, "crm-careful"} {
		w.until(t, namespace+" is there", func() error {
			return w.Get(t.Context(), client.ObjectKey{Name: namespace}, &corev1.Namespace{})
		})
	}
	w.declareLocation(t)
	w.kubectl(t, "apply", "-f", "testdata/environments.yaml", "-f", "testdata/leaving.yaml", "-f", "testdata/retained.yaml")
	for _, name := range []string{"retained", "held", "destroyed"} {
		w.comesTo(t, home+"/"+name, "True Succeeded")
	}
	w.kubectl(t, "delete", "-f", "testdata/leaving.yaml", "-f", "testdata/retained.yaml", "--wait=false")
	w.comesTo(t, home+"/prod", "True Succeeded")
	w.kubectl(t, "apply", "-f", "testdata/policies.yaml", "-f", "testdata/backups.yaml")
	w.until(t, "the backup is complete", func() error { return w.isBackedUp(t) })
	w.gone(t, home+"/retained")
	w.gone(t, home+"/destroyed")
	w.allSettled(t)
}

// gone waits until an environment is.
func (w *world) gone(t *testing.T, name string) {
	t.Helper()
	w.until(t, name+" is gone", func() error {
		env := &v1alpha1.CRMEnvironment{}
		err := w.Get(t.Context(), keyOf(name), env)
		return mustBe(apierrors.IsNotFound(err), "%v%s", err, statuscheck.Describe(env.Status.Conditions))
	})
}

// allSettled waits until the newest declaration of each environment has come to what it should.
func (w *world) allSettled(t *testing.T) {
	t.Helper()
	for name, want := range settled {
		w.comesTo(t, name, want)
	}
}

// comesTo waits until an environment is so.
func (w *world) comesTo(t *testing.T, name, want string) {
	t.Helper()
	w.until(t, name+" comes to "+want, func() error {
		env := &v1alpha1.CRMEnvironment{}
		if err := w.Get(t.Context(), keyOf(name), env); err != nil {
			return err
		}
		return statuscheck.Is(env.Generation, env.Status.ObservedGeneration, env.Status.Conditions, want)
	})
}

// declareLocation gives the manager the credentials of a bucket.
func (w *world) declareLocation(t *testing.T) {
	t.Helper()
	_, err := w.vault.Root(t).KVv2("crmkeep-kv").Put(t.Context(), "locations/store", map[string]any{
		"accessKeyID": w.objects.AccessKeyID, "secretAccessKey": w.objects.SecretAccessKey,
	}, api.WithCheckAndSet(0))
	require.NoError(t, err)
	location := &v1alpha1.CRMBackupLocation{
		ObjectMeta: metav1.ObjectMeta{Name: "store"},
		Spec: v1alpha1.CRMBackupLocationSpec{
			Endpoint: w.objects.Endpoint, CIDR: "127.0.0.0/8", CABundle: w.objects.CABundle, Region: s3test.Region, Bucket: "backups",
			CredentialsPath: "locations/store",
		},
	}
	require.NoError(t, w.Create(t.Context(), location))
	w.until(t, "the location is ready", func() error {
		err := w.Get(t.Context(), client.ObjectKeyFromObject(location), location)
		return errors.Join(err, statuscheck.Is(
			location.Generation, location.Status.ObservedGeneration, location.Status.Conditions, "True Succeeded"))
	})
}

// isBackedUp plays the run of the backup, and tells whether its record is complete.
func (w *world) isBackedUp(t *testing.T) error {
	t.Helper()
	w.play(t)
	backup := &v1alpha1.CRMBackup{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: home, Name: "by-hand"}, backup); err != nil {
		return err
	}
	return mustBe(backup.Status.Phase == v1alpha1.PhaseComplete && len(backup.Finalizers) == 0, "the backup is in phase %q", backup.Status.Phase)
}

// play ends the pods of runs as kubelet would: nothing runs in them.
func (w *world) play(t *testing.T) {
	t.Helper()
	require.True(t, json.Valid([]byte(told)))
	var pods corev1.PodList
	require.NoError(t, w.List(t.Context(), &pods, client.HasLabels{naming.LabelRunOf}))
	for _, pod := range pods.Items {
		if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
			continue
		}
		pod.Status.Phase = corev1.PodSucceeded
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Message: told, FinishedAt: metav1.Now(),
		}}
		_ = w.Status().Update(t.Context(), &pod) // Somebody was faster: the next look plays it again.
	}
}
