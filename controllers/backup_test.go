package controllers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// protected is a tenant with an environment that runs, and two locations of its own.
type protected struct {
	*installation
	tenant    string
	env       *v1alpha1.CRMEnvironment
	locations []string
	// objects is where both locations are.
	objects *s3test.Server
}

func (in *installation) protected(t *testing.T, tenant string, change ...func(*v1alpha1.CRMEnvironment)) protected {
	t.Helper()
	return in.protectedAt(t, tenant, []string{tenant + "-a", tenant + "-b"}, change...)
}

func (in *installation) protectedAt(t *testing.T, tenant string, locations []string, change ...func(*v1alpha1.CRMEnvironment)) protected {
	t.Helper()
	in.tenant(t, tenant)
	s := s3test.Start(t, "backups")
	for _, name := range locations {
		in.writeCredentials(t, "locations/"+name, whole(s))
		in.locationComesTo(t, in.location(t, name, s, func(l *v1alpha1.CRMBackupLocation) { l.Spec.Prefix = name }), "True Succeeded")
	}
	return protected{installation: in, tenant: tenant, objects: s, locations: locations, env: in.ready(t, tenant, "prod", change...)}
}

// backup declares one of the environment to both locations.
func (p protected) backup(t *testing.T, name string) *v1alpha1.CRMBackup {
	t.Helper()
	b := &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: name},
		Spec:       v1alpha1.CRMBackupSpec{EnvironmentRef: v1alpha1.LocalReference{Name: p.env.Name}, Locations: p.locations},
	}
	p.create(t, b)
	return b
}

func (in *installation) backupComesTo(t *testing.T, b *v1alpha1.CRMBackup, phase, want string) {
	t.Helper()
	in.until(t, "backup "+b.Name+" comes to "+want, func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(b), b); err != nil {
			return err
		}
		if err := statuscheck.Is(b.Generation, b.Status.ObservedGeneration, b.Status.Conditions, want); err != nil {
			return err
		}
		return mustBe(b.Status.Phase == phase, "phase %s", b.Status.Phase)
	})
}

// run waits for the pod of a run, such as "backup.first".
func (p protected) run(t *testing.T, of string) *corev1.Pod {
	t.Helper()
	var found corev1.Pod
	p.until(t, "the pod of run "+of+" is there", func() error {
		var pods corev1.PodList
		err := p.List(t.Context(), &pods, client.InNamespace(workloadNamespace(p.env)), client.MatchingLabels{naming.LabelRunOf: of})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
				found = pod
				return nil
			}
		}
		return fmt.Errorf("%d pods, none runs", len(pods.Items))
	})
	return &found
}

// tells ends the pod of a run with a message, as kubelet would.
func (p protected) tells(t *testing.T, of string, exitCode int32, message string) {
	t.Helper()
	pod := p.run(t, of)
	p.until(t, "the pod ends", func() error {
		if err := p.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		pod.Status.Phase = corev1.PodSucceeded
		if exitCode != 0 {
			pod.Status.Phase = corev1.PodFailed
		}
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: exitCode, Message: message, FinishedAt: metav1.Now(),
		}}
		return p.Status().Update(t.Context(), pod)
	})
}

// fails ends every attempt of a run with the same message.
func (p protected) fails(t *testing.T, of, message string) {
	t.Helper()
	for range 3 {
		p.tells(t, of, 1, message)
	}
}

// told is the message of a run that has written to these locations and not to those.
func told(written []string, failed ...string) string {
	r := result.Result{ManifestDigest: strings.Repeat("0a", 32), KeyVersion: 1, Tables: 3, Rows: 42, Bytes: 4096}
	for _, name := range written {
		r.Locations = append(r.Locations, result.Location{Name: name, Snapshots: []string{"0011223344"}, BytesAdded: 7})
	}
	for _, name := range failed {
		r.Reason = "PartiallyFailed"
		r.Locations = append(r.Locations, result.Location{Name: name, Message: "no such bucket"})
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// done makes a backup that is complete.
func (p protected) done(t *testing.T, name string) *v1alpha1.CRMBackup {
	t.Helper()
	b := p.backup(t, name)
	p.tells(t, "backup."+name, 0, told(p.locations))
	p.backupComesTo(t, b, v1alpha1.PhaseComplete, "True Succeeded")
	return b
}

// nothingIsLeft waits until nothing is there of runs any more.
func (p protected) nothingIsLeft(t *testing.T) {
	t.Helper()
	p.until(t, "nothing of a run is left", func() error {
		for _, list := range []client.ObjectList{&batchv1.JobList{}, &corev1.PodList{}, &corev1.ConfigMapList{}, &networkingv1.NetworkPolicyList{}} {
			if err := p.List(t.Context(), list, client.InNamespace(workloadNamespace(p.env)), client.HasLabels{naming.LabelRun}); err != nil {
				return err
			}
			text, err := json.Marshal(list)
			if err != nil || strings.Contains(string(text), naming.LabelRun) {
				return fmt.Errorf("%T: %s", list, text)
			}
		}
		return nil
	})
}

func backupRecordsWhatWasTold(t *testing.T, in *installation) {
	p := in.protected(t, "thorough")
	b := p.backup(t, "first")
	pod := p.run(t, "backup.first")
	in.backupComesTo(t, b, v1alpha1.PhaseRunning, "Reconciling Progressing")
	assert.Contains(t, b.Finalizers, naming.FinalizerRun)
	assert.Equal(t, "backup", pod.Spec.ServiceAccountName)
	in.ready(t, "thorough", "test") // Its plan leaves the run of its neighbour alone, as does the environment's own.

	p.tells(t, "backup.first", 0, told(p.locations))
	in.backupComesTo(t, b, v1alpha1.PhaseComplete, "True Succeeded")
	assert.NotNil(t, b.Status.StartedAt)
	assert.NotNil(t, b.Status.CompletedAt)
	require.NotNil(t, b.Status.Record)
	assert.Equal(t, "2.0", b.Status.Record.Version)
	assert.EqualValues(t, 1, b.Status.Record.KeyVersion)
	assert.EqualValues(t, 42, b.Status.Record.Rows)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(p.env), p.env))
	assert.Equal(t, fmt.Sprintf("crm-thorough--prod/%d", p.env.Status.Encryption.KeyCreated.Unix()), b.Status.Record.Repository)
	require.Len(t, b.Status.Locations, 2)
	for _, l := range b.Status.Locations {
		assert.Equal(t, v1alpha1.PhaseComplete, l.Phase)
		assert.Equal(t, []string{"0011223344"}, l.Snapshots)
	}
	p.nothingIsLeft(t)
	in.until(t, "nothing holds the record", func() error {
		return mustBe(in.Get(t.Context(), client.ObjectKeyFromObject(b), b) == nil && len(b.Finalizers) == 0, "%v", b.Finalizers)
	})
}

func failedLocationLosesNoOther(t *testing.T, in *installation) {
	p := in.protected(t, "frugal")
	b := p.backup(t, "partial")
	p.tells(t, "backup.partial", 0, told(p.locations[:1], p.locations[1]))
	in.backupComesTo(t, b, v1alpha1.PhasePartiallyFailed, "Stalled PartiallyFailed")
	assert.Equal(t, v1alpha1.PhaseComplete, b.Status.Locations[0].Phase)
	assert.Equal(t, v1alpha1.PhaseFailed, b.Status.Locations[1].Phase)
	assert.Equal(t, "no such bucket", b.Status.Locations[1].Message)
	assert.NotNil(t, b.Status.Record)
	p.nothingIsLeft(t)
}

func hostileMessageIsNotBelieved(t *testing.T, in *installation) {
	p := in.protected(t, "wary")
	for name, message := range map[string]string{
		"none":      "",
		"text":      "\x1b[31mpanic: s3cr3t-of-somebody",
		"elsewhere": told([]string{"crm-other"}),
		"no-record": "{}",
	} {
		b := p.backup(t, name)
		p.tells(t, "backup."+name, 0, message)
		in.backupComesTo(t, b, v1alpha1.PhaseFailed, "Stalled RunFailed")
		assert.Nil(t, b.Status.Record)
		text, err := json.Marshal(b.Status)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "s3cr3t")
		p.nothingIsLeft(t)
	}
}

func twoBackupsRunOneAfterTheOther(t *testing.T, in *installation) {
	p := in.protected(t, "eager")
	first := p.backup(t, "first")
	p.run(t, "backup.first")
	second := p.backup(t, "second")
	in.backupComesTo(t, second, v1alpha1.PhasePending, "Reconciling RunActive")

	p.tells(t, "backup.first", 0, `{"reason":"VaultSealed","message":"Vault is sealed"}`)
	in.backupComesTo(t, first, v1alpha1.PhaseFailed, "Stalled VaultSealed")
	p.tells(t, "backup.second", 0, told(p.locations))
	in.backupComesTo(t, second, v1alpha1.PhaseComplete, "True Succeeded")
}

func backupOfAnotherTenantsFindsNone(t *testing.T, in *installation) {
	in.tenant(t, "jealous")
	victim := in.ready(t, "jealous", "vault")
	p := in.protected(t, "nosy")
	for _, name := range []string{"vault", "crm-jealous--vault", "prod--vault"} {
		b := &v1alpha1.CRMBackup{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: "steal-" + name},
			Spec:       v1alpha1.CRMBackupSpec{EnvironmentRef: v1alpha1.LocalReference{Name: name}, Locations: p.locations},
		}
		p.create(t, b)
		in.backupComesTo(t, b, v1alpha1.PhasePending, "Reconciling EnvironmentNotFound")
	}
	assert.Empty(t, in.jobs(t, victim))

	elsewhere := p.backup(t, "elsewhere")
	p.tells(t, "backup.elsewhere", 0, told(p.locations))
	in.backupComesTo(t, elsewhere, v1alpha1.PhaseComplete, "True Succeeded")
	in.create(t, &v1alpha1.CRMBackupLocation{ObjectMeta: metav1.ObjectMeta{Name: "far"}, Spec: v1alpha1.CRMBackupLocationSpec{
		Endpoint: "https://s3.example", CIDR: "203.0.113.0/28", Region: "us-west-9", Bucket: "backups", CredentialsPath: "locations/far"}})
	p.locations = []string{"far"}
	in.backupComesTo(t, p.backup(t, "residency"), v1alpha1.PhaseFailed, "Stalled NotAllowed")
}

func suspendedEnvironmentsBackupWaits(t *testing.T, in *installation) {
	p := in.protected(t, "drowsy")
	edit(t, in, p.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.comesTo(t, p.env, "True Suspended")
	b := p.backup(t, "later")
	in.backupComesTo(t, b, v1alpha1.PhasePending, "Reconciling Suspended")
	edit(t, in, p.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = "" })
	p.run(t, "backup.later")

	edit(t, in, p.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.until(t, "the application has stopped", func() error {
		left := in.pods(t, p.env)
		return mustBe(len(left) == 2, "%v", left)
	})
	assert.ElementsMatch(t, []string{"database", "backup"}, in.pods(t, p.env), "the database outlives the run")
	p.tells(t, "backup.later", 0, told(p.locations))
	in.comesTo(t, p.env, "True Suspended")
}

func lostRunBlocksNobody(t *testing.T, in *installation) {
	p := in.protected(t, "unlucky")
	b := p.backup(t, "lost")
	p.run(t, "backup.lost")
	in.backupComesTo(t, b, v1alpha1.PhaseRunning, "Reconciling Progressing")
	require.NoError(t, in.DeleteAllOf(t.Context(), &batchv1.Job{}, client.InNamespace(workloadNamespace(p.env)),
		client.HasLabels{naming.LabelRun}, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	in.backupComesTo(t, b, v1alpha1.PhaseFailed, "Stalled RunLost")
	p.done(t, "next")
}

func deletingABackupEndsItsRun(t *testing.T, in *installation) {
	p := in.protected(t, "hesitant")
	b := p.backup(t, "regretted")
	p.run(t, "backup.regretted")
	require.NoError(t, in.Delete(t.Context(), b))
	in.gone(t, b)
	p.nothingIsLeft(t)
	in.comesTo(t, p.env, "True Succeeded")
}
