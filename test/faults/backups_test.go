package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// Names of what a life has of backups. The location has the tenant's.
const (
	olderBackup = "older"
	newerBackup = "newer"
	nightly     = "nightly"
	back        = "back"
)

// backups are the stages of a life that are about them. The runs are played: what they do themselves is tested where they are.
var backups = []stage{
	{
		name: "location",
		begin: func(t *testing.T, w *world) {
			root := w.Vault.Root(t).KVv2(w.Layout.KVMount())
			_, err := root.Put(t.Context(), "locations/"+mortal, map[string]any{
				"accessKeyID": w.objects.AccessKeyID, "secretAccessKey": w.objects.SecretAccessKey,
			}, api.WithCheckAndSet(0))
			require.NoError(t, err)
			w.create(t, location(w.objects))
		},
		done: func(t *testing.T, w *world) error {
			l := &v1alpha1.CRMBackupLocation{}
			if err := w.Get(t.Context(), client.ObjectKey{Name: mortal}, l); err != nil {
				return err
			}
			return statuscheck.Is(l.Generation, l.Status.ObservedGeneration, l.Status.Conditions, "True Succeeded")
		},
	},
	{
		name:  "backup",
		begin: func(t *testing.T, w *world) { w.create(t, scheduled(olderBackup)) },
		done:  func(t *testing.T, w *world) error { return w.isBackedUp(t, olderBackup) },
	},
	{
		// The second backup has the schedule forget the first.
		name: "schedule",
		begin: func(t *testing.T, w *world) {
			w.create(t, schedule())
			w.create(t, scheduled(newerBackup))
		},
		done: func(t *testing.T, w *world) error {
			w.play(t, mortalName, "care."+nightly, result.Result{Locations: []result.Location{{Name: mortal}}})
			s := schedule()
			if err := errors.Join(w.isBackedUp(t, newerBackup), w.isGone(t, scheduled(olderBackup)), w.Get(t.Context(), client.ObjectKeyFromObject(s), s)); err != nil {
				return err
			}
			return statuscheck.Is(s.Generation, s.Status.ObservedGeneration, s.Status.Conditions, "True Succeeded")
		},
	},
	{
		name:  "restore",
		begin: func(t *testing.T, w *world) { w.create(t, restore()) },
		done:  isRestored,
	},
}

// withdrawal ends them.
var withdrawal = []stage{
	{
		// The record of the newer backup stays for the shred.
		name: "schedule's end",
		begin: func(t *testing.T, w *world) {
			require.NoError(t, w.Delete(t.Context(), schedule()))
			require.NoError(t, w.Delete(t.Context(), restore()))
		},
		done: func(t *testing.T, w *world) error {
			return errors.Join(w.isGone(t, schedule()), w.isGone(t, restore()))
		},
	},
}

func location(objects *s3test.Server) *v1alpha1.CRMBackupLocation {
	l := &v1alpha1.CRMBackupLocation{ObjectMeta: metav1.ObjectMeta{Name: mortal}}
	if objects != nil {
		l.Spec = v1alpha1.CRMBackupLocationSpec{
			Endpoint: objects.Endpoint, CIDR: "127.0.0.0/8", CABundle: objects.CABundle, Region: s3test.Region, Bucket: "backups",
			CredentialsPath: "locations/" + mortal,
		}
	}
	return l
}

// scheduled is a backup as the schedule makes one.
func scheduled(name string) *v1alpha1.CRMBackup {
	return &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(mortal), Name: name, Labels: map[string]string{naming.LabelSchedule: nightly}},
		Spec:       v1alpha1.CRMBackupSpec{EnvironmentRef: v1alpha1.LocalReference{Name: mortalName}, Locations: []string{mortal}},
	}
}

// schedule that is due on no day of the test, keeps one backup, and has its turns when they are due.
func schedule() *v1alpha1.CRMBackupSchedule {
	return &v1alpha1.CRMBackupSchedule{
		ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(mortal), Name: nightly},
		Spec: v1alpha1.CRMBackupScheduleSpec{
			EnvironmentRef: v1alpha1.LocalReference{Name: mortalName}, Locations: []string{mortal}, Schedule: "0 0 29 2 *",
			WindowSeconds: build.Pointer[int64](0),
			Retention:     &v1alpha1.BackupRetention{Last: build.Pointer[int32](1)},
		},
	}
}

func restore() *v1alpha1.CRMRestore {
	return &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(mortal), Name: back},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: newerBackup}},
			To:   v1alpha1.RestoreTo{EnvironmentRef: &v1alpha1.LocalReference{Name: mortalName}},
		},
	}
}

// isBackedUp plays the run of a backup that was declared, and tells whether its record is complete and nothing of the run is left.
func (w *world) isBackedUp(t *testing.T, name string) error {
	t.Helper()
	w.play(t, mortalName, "backup."+name, result.Result{
		ManifestDigest: strings.Repeat("0a", 32), KeyVersion: 1, Tables: 3, Rows: 42, Bytes: 4096,
		Locations: []result.Location{{Name: mortal, Snapshots: []string{"0011223344"}, BytesAdded: 7}},
	})
	b := scheduled(name)
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(b), b); err != nil {
		return err
	}
	if b.Status.Phase != v1alpha1.PhaseComplete || len(b.Finalizers) > 0 {
		return fmt.Errorf("backup %s is in phase %q with finalizers %v", name, b.Status.Phase, b.Finalizers)
	}
	return nil
}

// isShredded plays the final backup that the deletion of the environment asks for, and tells whether it was made and the environment is gone.
func (w *world) isShredded(t *testing.T) error {
	t.Helper()
	var finals v1alpha1.CRMBackupList
	require.NoError(t, w.List(t.Context(), &finals, client.InNamespace(naming.HomeNamespace(mortal)), client.HasLabels{naming.LabelFinalOf}))
	if len(finals.Items) != 1 {
		return fmt.Errorf("there are %d final backups", len(finals.Items))
	}
	return errors.Join(w.isBackedUp(t, finals.Items[0].Name), w.isGone(t, build.Environment(mortal, mortalName)))
}

// isRestored plays the run of the restore, confirms it once the application runs again, and tells whether what was replaced is dropped.
func isRestored(t *testing.T, w *world) error {
	w.play(t, mortalName, "restore."+back, result.Result{ManifestDigest: strings.Repeat("0a", 32), Rows: 42})
	w.play(t, mortalName, "drop."+back, result.Result{})
	r := restore()
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(r), r); err != nil {
		return err
	}
	if len(r.Status.Stages) == 3 && r.Spec.Confirmation == "" {
		r.Spec.Confirmation = "Confirmed"
		if err := w.Update(t.Context(), r); err != nil {
			return err
		}
	}
	if r.Status.Phase != v1alpha1.PhaseComplete || r.Status.KeptUntil != nil || len(r.Finalizers) > 0 {
		return fmt.Errorf("the restore is in phase %q with stages %v, kept until %v", r.Status.Phase, r.Status.Stages, r.Status.KeptUntil)
	}
	return w.environmentIs(t, mortal, mortalName, "True Succeeded")
}

// play ends the pod of a run in an environment, if one is running, as kubelet would.
func (w *world) play(t *testing.T, environment, run string, tells result.Result) {
	t.Helper()
	message, err := json.Marshal(tells)
	require.NoError(t, err)
	for _, pod := range w.running(t, environment, run) {
		pod.Status.Phase = corev1.PodSucceeded
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Message: string(message), FinishedAt: metav1.Now(),
		}}
		_ = w.Status().Update(t.Context(), &pod) // Somebody was faster: the next look plays it again.
	}
}

// running gives the pods of a run that have not ended.
func (w *world) running(t *testing.T, environment, run string) []corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	require.NoError(t, w.List(t.Context(), &pods, client.InNamespace(naming.WorkloadNamespace(mortal, environment)), client.MatchingLabels{naming.LabelRunOf: run}))
	return slices.DeleteFunc(pods.Items, func(pod corev1.Pod) bool {
		return pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil
	})
}

// isRunning tells whether a run waits to be played.
func (w *world) isRunning(t *testing.T, environment, run string) error {
	t.Helper()
	if len(w.running(t, environment, run)) == 0 {
		return fmt.Errorf("%s does not run in %s", run, environment)
	}
	return nil
}

// buryBackups takes away what is left of them.
func (w *world) buryBackups(t *testing.T) {
	t.Helper()
	require.NoError(t, w.DeleteAllOf(t.Context(), &v1alpha1.CRMBackup{}, client.InNamespace(naming.HomeNamespace(mortal))))
	require.NoError(t, w.Delete(t.Context(), location(nil)))
	require.NoError(t, w.Vault.Root(t).KVv2(w.Layout.KVMount()).DeleteMetadata(t.Context(), "locations/"+mortal))
}
