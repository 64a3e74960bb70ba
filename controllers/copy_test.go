package controllers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/controlplane"
)

// ofBackup makes an environment a copy.
func ofBackup(name string) func(*v1alpha1.CRMEnvironment) {
	return func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Source = &v1alpha1.EnvironmentSource{BackupRef: &v1alpha1.LocalReference{Name: name}, KeepLogins: []v1alpha1.Login{"li.na"}}
	}
}

// copied is the environment that is declared, with what runs in it within reach.
func (p protected) copied(t *testing.T, name string, change ...func(*v1alpha1.CRMEnvironment)) protected {
	t.Helper()
	p.env = p.environment(t, p.tenant, name, change...)
	return p
}

// filling is the restore that fills the environment.
func (p protected) filling() *v1alpha1.CRMRestore {
	return &v1alpha1.CRMRestore{ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: naming.SourceRestore(p.env.Name)}}
}

func copyGetsItsDataAndRuns(t *testing.T, in *installation) {
	p := in.protected(t, "cloning")
	p.done(t, "good")
	c := p.copied(t, "copy", ofBackup("good"))

	pod := c.run(t, "restore.copy-source")
	assert.Equal(t, "crm-cloning--prod", pod.Spec.ServiceAccountName, "it may read what the source may")
	assert.ElementsMatch(t, []string{"database", "restore"}, in.pods(t, c.env))
	in.comesTo(t, c.env, "Reconciling Progressing")
	assert.Nil(t, c.env.Status.Source)
	assert.Zero(t, c.env.Status.Encryption.DataKeyVersion, "its data key comes with the data")
	var config corev1.ConfigMap
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: pod.Namespace, Name: pod.Labels[naming.LabelRun]}, &config))
	assert.Contains(t, config.Data["run.yaml"], "rewrapPath: crmkeep-transit/encrypt/crm-cloning--copy\n")
	assert.Contains(t, config.Data["run.yaml"], "rewrappedPath: crmkeep-kv/data/crm-cloning--copy/data-key\n")

	c.tells(t, "restore.copy-source", 0, restored)
	in.comesTo(t, c.env, "True Succeeded")
	assert.Equal(t, &v1alpha1.EnvironmentSourceStatus{Backup: "good", Version: "2.0"}, c.env.Status.Source)
	assert.Equal(t, "2.0", c.env.Status.Version)

	c.tells(t, "drop.copy-source", 0, "{}")
	r := c.filling()
	in.until(t, "the empty database is dropped", func() error {
		return mustBe(in.Get(t.Context(), client.ObjectKeyFromObject(r), r) == nil && r.Status.KeptUntil == nil, "%v", r.Status.KeptUntil)
	})
	c.nothingIsLeft(t)
	assert.ElementsMatch(t, []string{"database", "queue", "web"}, in.pods(t, c.env))
	in.gone(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: workloadNamespace(c.env), Name: "crm-cloning--prod"}})

	c.done(t, "own") // From now on it has backups like any other.
	require.NoError(t, in.Delete(t.Context(), c.env))
	in.gone(t, r)
}

func nothingRunsBeforeItIsHarmless(t *testing.T, in *installation) {
	in.create(t, build.Class(func(c *v1alpha1.CRMClass) {
		c.Name = "timid"
		c.Spec.Versions[1].Image += controlplane.Hangs
		c.Spec.DefaultVersion = "1.0"
	}))
	p := in.protected(t, "gentle")
	ofClass := func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "timid" }
	p.env = in.ready(t, p.tenant, "base", ofClass)
	p.done(t, "old")
	c := p.copied(t, "copy", ofClass, ofBackup("old"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "2.0" })
	c.tells(t, "restore.copy-source", 0, restored)
	in.comesTo(t, c.env, "Reconciling MigrationRunning")
	assert.Equal(t, "1.0", c.env.Status.Source.Version)
	assert.Empty(t, c.env.Status.Version)

	var jobs batchv1.JobList
	require.NoError(t, in.List(t.Context(), &jobs, client.InNamespace(workloadNamespace(c.env)), client.MatchingLabels{naming.LabelComponent: naming.ComponentMigrate}))
	require.Len(t, jobs.Items, 1)
	spec := jobs.Items[0].Spec.Template.Spec
	migrate := spec.InitContainers[len(spec.InitContainers)-1]
	assert.Equal(t, []string{"migrate", "2.0"}, migrate.Args[len(migrate.Args)-2:], "first it is taken to the wanted version")
	assert.Equal(t, []string{"neutralise", "--keep", "li.na"}, spec.Containers[0].Args[len(spec.Containers[0].Args)-3:], "then it is made harmless")
	in.until(t, "the migration runs", func() error {
		return mustBe(len(in.pods(t, c.env)) >= 2, "%v", in.pods(t, c.env))
	})
	for _, component := range in.pods(t, c.env) {
		assert.NotContains(t, []string{"web", "queue"}, component)
	}
}

func failedCopyRunsNothing(t *testing.T, in *installation) {
	p := in.protected(t, "clumsy")
	p.done(t, "good")
	c := p.copied(t, "copy", ofBackup("good"))
	c.fails(t, "restore.copy-source", `{"reason":"VerifyFailed","message":"a table is not what was backed up"}`)
	in.comesTo(t, c.env, "Stalled VerifyFailed")
	assert.Contains(t, message(c.env, v1alpha1.ConditionFilled), "a table is not what was backed up")
	assert.Contains(t, message(c.env, v1alpha1.ConditionFilled), "Delete the environment")
	c.nothingIsLeft(t)
	assert.Equal(t, []string{"database"}, in.pods(t, c.env))
	in.restoreComesTo(t, c.filling(), v1alpha1.PhaseFailed, "Stalled VerifyFailed")
	assert.Nil(t, c.env.Status.Source)

	killed := p.copied(t, "killed", ofBackup("good"))
	killed.tells(t, "restore.killed-source", 0, "")
	killed.tells(t, "undo.killed-source", 0, "{}")
	in.comesTo(t, killed.env, "Stalled RunFailed")
	assert.Equal(t, []string{"database"}, in.pods(t, killed.env))

	regretted := p.copied(t, "regretted", ofBackup("good"))
	regretted.run(t, "restore.regretted-source")
	require.NoError(t, in.Delete(t.Context(), regretted.env))
	in.gone(t, regretted.env)
	in.gone(t, regretted.filling())
}

func copyIsRefused(t *testing.T, in *installation) {
	owner := in.protected(t, "minding")
	owner.done(t, "theirs")
	in.create(t, build.Class(func(c *v1alpha1.CRMClass) { c.Name, c.Spec.Neutralise = "harmful", nil }))
	p := in.protected(t, "peeping")
	p.done(t, "good")
	aged := p.done(t, "aged")
	aged.Status.Record.Version = "0.9"
	require.NoError(t, in.Status().Update(t.Context(), aged))

	ofClass := func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "harmful" }
	ofEnvironment := func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Source = &v1alpha1.EnvironmentSource{EnvironmentRef: &v1alpha1.LocalReference{Name: "never"}}
	}
	for name, c := range map[string]struct {
		want   string
		change []func(*v1alpha1.CRMEnvironment)
	}{
		"theirs":   {"Reconciling BackupNotFound", []func(*v1alpha1.CRMEnvironment){ofBackup("theirs")}},
		"by-path":  {"Reconciling BackupNotFound", []func(*v1alpha1.CRMEnvironment){ofBackup("crm-minding.theirs")}},
		"by-env":   {"Reconciling BackupNotFound", []func(*v1alpha1.CRMEnvironment){ofEnvironment}},
		"harmful":  {"Stalled NotNeutralisable", []func(*v1alpha1.CRMEnvironment){ofBackup("good"), ofClass}},
		"not-mine": {"Stalled BackupUnusable", []func(*v1alpha1.CRMEnvironment){ofBackup("good"), ofClass, forProduction}},
		"too-old":  {"Stalled VersionMismatch", []func(*v1alpha1.CRMEnvironment){ofBackup("aged")}},
	} {
		env := in.environment(t, "peeping", name, c.change...)
		in.comesTo(t, env, c.want)
		in.nothingMade(t, env)
	}

	// One that is there takes no other's data.
	other := p
	other.env = in.ready(t, "peeping", "other")
	in.restoreComesTo(t, other.restore(t, "swapped", "good"), v1alpha1.PhaseRefused, "Stalled NotAllowed")
}

func forProduction(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction }

func retainedCopyIsNotFilledAgain(t *testing.T, in *installation) {
	p := in.protected(t, "returning")
	p.done(t, "good")
	retained := func(e *v1alpha1.CRMEnvironment) { e.Spec.DeletionPolicy = v1alpha1.DeletionRetain }
	c := p.copied(t, "copy", ofBackup("good"), retained)
	c.tells(t, "restore.copy-source", 0, restored)
	in.comesTo(t, c.env, "True Succeeded")
	claims := in.claims(t, c.env)
	require.NoError(t, in.Delete(t.Context(), c.env))
	in.gone(t, c.env)
	in.gone(t, c.filling())

	again := p.copied(t, "copy", ofBackup("good"), retained)
	in.comesTo(t, again.env, "True Succeeded")
	assert.Equal(t, claims, in.claims(t, again.env))
	assert.Equal(t, "good", again.env.Status.Source.Backup)
	var restores v1alpha1.CRMRestoreList
	require.NoError(t, in.List(t.Context(), &restores, client.InNamespace(again.env.Namespace)))
	assert.Empty(t, restores.Items, "it has its data")
}

// intoNew declares a restore of a backup into a new environment.
func (p protected) intoNew(t *testing.T, name, backup, environment string) *v1alpha1.CRMRestore {
	t.Helper()
	r := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(p.tenant), Name: name},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: backup}},
			To:   v1alpha1.RestoreTo{NewEnvironment: &v1alpha1.NewEnvironment{Name: environment, KeepLogins: []v1alpha1.Login{"li.na"}}},
		},
	}
	p.create(t, r)
	return r
}

func restoreMakesANewEnvironment(t *testing.T, in *installation) {
	p := in.protected(t, "curious")
	edit(t, in, p.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.Size, e.Spec.Hostname = "Small", "crm.curious.example" })
	in.comesTo(t, p.env, "True Succeeded")
	p.done(t, "good")
	r := p.intoNew(t, "look", "good", "look")
	c := p
	c.env = &v1alpha1.CRMEnvironment{ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: "look"}}
	c.tells(t, "restore.look-source", 0, restored)
	in.restoreComesTo(t, r, v1alpha1.PhaseComplete, "True Succeeded")
	in.comesTo(t, c.env, "True Succeeded")

	spec := c.env.Spec
	assert.Equal(t, v1alpha1.PurposeSandbox, spec.Purpose)
	assert.EqualValues(t, 86400, *spec.TTLSeconds)
	assert.Equal(t, v1alpha1.SizeName("Small"), spec.Size)
	assert.Equal(t, "2.0", spec.Version)
	assert.Equal(t, []v1alpha1.Login{"li.na"}, spec.Source.KeepLogins)
	assert.Empty(t, spec.Hostname)
	assert.Equal(t, "good", r.Status.Backup)
	assert.Equal(t, []string{"Environment", "Restore", "Start"}, stages(r))

	require.NoError(t, in.Delete(t.Context(), r))
	in.gone(t, r)
	in.comesTo(t, c.env, "True Succeeded") // It is there still.
}

func newEnvironmentIsRefused(t *testing.T, in *installation) {
	p := in.protected(t, "greedy")
	p.done(t, "good")
	in.restoreComesTo(t, p.intoNew(t, "taken", "good", "prod"), v1alpha1.PhaseRefused, "Stalled NameClash")
	in.restoreComesTo(t, p.intoNew(t, "none", "never", "copy"), v1alpha1.PhaseRefused, "Stalled BackupNotFound")

	r := p.intoNew(t, "broken", "good", "broken")
	c := p
	c.env = &v1alpha1.CRMEnvironment{ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: "broken"}}
	c.fails(t, "restore.broken-source", `{"reason":"VerifyFailed","message":"a table is not what was backed up"}`)
	in.restoreComesTo(t, r, v1alpha1.PhaseFailed, "Stalled VerifyFailed")
	assert.Equal(t, []string{"database"}, in.pods(t, c.env))

	in.create(t, build.Class(func(c *v1alpha1.CRMClass) { c.Name, c.Spec.Neutralise = "untamed", nil }))
	untamed := p
	untamed.env = in.ready(t, "greedy", "wild", func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "untamed" })
	untamed.done(t, "wild")
	in.restoreComesTo(t, p.intoNew(t, "untamed", "wild", "untamed"), v1alpha1.PhaseRefused, "Stalled NotNeutralisable")
}

func careWaitsForACopy(t *testing.T, in *installation) {
	p := in.protected(t, "orderly")
	s := p.schedule(t, "rarely", func(s *v1alpha1.CRMBackupSchedule) {
		s.Spec.State, s.Spec.Schedule, s.Spec.Retention = "Suspended", "0 0 1 1 *", &v1alpha1.BackupRetention{Last: build.Pointer[int32](1)}
	})
	old := p.earlier(t, s, 3*time.Hour)
	p.earlier(t, s, 2*time.Hour)
	c := p.copied(t, "copy", ofBackup(old.Name))
	c.run(t, "restore.copy-source")

	edit(t, in, s, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.State = "" })
	in.until(t, "the schedule was looked at", func() error {
		err := in.Get(t.Context(), client.ObjectKeyFromObject(s), s)
		return mustBe(err == nil && s.Status.NextBackup != nil, "%v", err)
	})
	assert.Empty(t, in.jobs(t, p.env), "nothing is removed from what is being read")
	c.tells(t, "restore.copy-source", 0, restored)
	p.run(t, "care.rarely")
}
