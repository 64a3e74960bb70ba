package backup_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/golden"
	"github.com/crmkeep/crmkeep/internal/testing/podsecurity"
)

var (
	made = time.Unix(1795219200, 0)
	meta = metav1.ObjectMeta{Namespace: "crm-acme", Name: "nightly-202611210300", UID: types.UID("0b9c2a4e-6c7d-4a53-9a43-5f1b1d1f3a77"),
		Labels: map[string]string{naming.LabelSchedule: "nightly"}}
)

func resolved(t *testing.T, change ...func(*v1alpha1.CRMEnvironment)) *target.Target {
	t.Helper()
	env := build.Environment("acme", "prod", change...)
	env.Status.Version = "2.0"
	out, err := target.Resolve(build.Settings(), build.Tenant("acme"), build.Class(), env)
	require.NoError(t, err)
	return &out
}

func locations() []v1alpha1.CRMBackupLocation {
	return []v1alpha1.CRMBackupLocation{
		{ObjectMeta: metav1.ObjectMeta{Name: "main"}, Spec: v1alpha1.CRMBackupLocationSpec{
			Endpoint: "https://s3.cn-east-1.example/", CIDR: "203.0.113.0/28", Region: "cn-east-1", Bucket: "crm-backups", Prefix: "keep",
			Addressing: "VirtualHost", CredentialsPath: "locations/main"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "second"}, Spec: v1alpha1.CRMBackupLocationSpec{
			Endpoint: "https://198.51.100.7:9000", CIDR: "198.51.100.7/32", Region: "cn-east-1", Bucket: "crm", CABundle: "a bundle\n",
			CredentialsPath: "locations/second"}},
	}
}

func runs(t *testing.T) map[string][]object.Object {
	env := resolved(t)
	repository := backup.Repository(env.Namespace, made)
	b := v1alpha1.CRMBackup{ObjectMeta: meta, Spec: v1alpha1.CRMBackupSpec{EnvironmentRef: v1alpha1.LocalReference{Name: "prod"}}}
	b.Status.Record = &v1alpha1.BackupRecord{Version: "2.0", KeyVersion: 1, ManifestDigest: strings.Repeat("0a", 32), Repository: repository}
	restore := &v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "undo-friday", UID: "4f8a"}}
	schedule := &v1alpha1.CRMBackupSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "nightly", UID: "77aa"}}
	external := resolved(t, func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{
			Host: "db.example", Port: build.Pointer[int32](6432), CIDR: "192.0.2.0/28", CABundle: "its bundle\n"}}
	})
	filling := &v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "copy-source", UID: "c0b7"}}
	copied := resolved(t, func(e *v1alpha1.CRMEnvironment) { e.Name = "copy" })
	copied.Source = &target.Source{Environment: "prod", Backup: b.Name, Version: "2.0"}
	return map[string][]object.Object{
		"backup":   backup.ForBackup(env, &b, locations(), repository),
		"external": backup.ForBackup(external, &b, locations()[:1], repository),
		"restore":  backup.ForRestore(env, backup.Restore{Restore: restore, Backup: &b, Locations: locations()}),
		"copy":     backup.ForRestore(copied, backup.Restore{Restore: filling, Backup: &b, Locations: locations()[:1]}),
		"drop":     backup.ForDrop(env, restore),
		"undo":     backup.ForUndo(env, restore),
		"care": backup.ForCare(env, backup.Care{
			Schedule: schedule, Forget: []v1alpha1.CRMBackup{b}, ReadData: "3/7", Locations: locations(), Repository: repository}),
	}
}

func TestThePlanOfEachRunIsAsReviewed(t *testing.T) {
	for name, planned := range runs(t) {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, o := range planned {
				text, err := yaml.Marshal(o.Configuration)
				require.NoError(t, err)
				out.WriteString("---\n" + string(text))
			}
			golden.Compare(t, filepath.Join("testdata", name+".yaml"), out.Bytes())
		})
	}
}

func TestEveryRunIsConfinedBoundedAndItsOwn(t *testing.T) {
	seen := map[string]string{}
	for name, planned := range runs(t) {
		if name == "external" {
			continue
		}
		job := jobOf(t, planned)
		assert.Empty(t, seen[job.Name], "%s has the name of another", name)
		seen[job.Name] = name
		require.NoError(t, podsecurity.Restricted(&job.Spec.Template), name)
		spec := job.Spec.Template.Spec
		assert.False(t, *spec.AutomountServiceAccountToken, name)
		assert.Equal(t, batchv1.Failed, *job.Spec.PodReplacementPolicy, name)
		assert.Nil(t, job.Spec.TTLSecondsAfterFinished, name)
		assert.Positive(t, *job.Spec.ActiveDeadlineSeconds, name)
		require.Len(t, job.Spec.PodFailurePolicy.Rules, 1, name)
		assert.Equal(t, []int32{config.ExitLasting}, job.Spec.PodFailurePolicy.Rules[0].OnExitCodes.Values, name)
		require.Len(t, spec.Containers, 1, name)
		assert.Equal(t, "400Mi", spec.Containers[0].Resources.Limits.Memory().String(), name)
		for _, o := range planned {
			text, err := yaml.Marshal(o.Configuration)
			require.NoError(t, err)
			assert.Contains(t, string(text), naming.LabelRun+": "+job.Name, name)
		}
	}
}

func TestABackupCannotWriteToWhatItReads(t *testing.T) {
	for name, readOnly := range map[string]bool{"backup": true, "restore": false, "drop": false} {
		mounted := 0
		for _, m := range jobOf(t, runs(t)[name]).Spec.Template.Spec.Containers[0].VolumeMounts {
			if strings.HasPrefix(m.Name, "data-") {
				mounted++
				assert.Equal(t, readOnly, m.ReadOnly, name)
			}
		}
		assert.Equal(t, 1, mounted, name)
	}
}

func jobOf(t *testing.T, planned []object.Object) batchv1.Job {
	t.Helper()
	last := planned[len(planned)-1]
	require.True(t, last.CreateOnly)
	text, err := yaml.Marshal(last.Configuration)
	require.NoError(t, err)
	var job batchv1.Job
	require.NoError(t, yaml.UnmarshalStrict(text, &job))
	require.Equal(t, "Job", job.Kind)
	require.Equal(t, corev1.RestartPolicyNever, job.Spec.Template.Spec.RestartPolicy)
	return job
}
