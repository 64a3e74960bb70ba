package validate_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

func TestARunWaitsForAnotherOfItsEnvironmentAndForRoom(t *testing.T) {
	s := build.Settings(func(s *settings.Settings) { s.Backups.Concurrency, s.Backups.ConcurrencyPerLocation = 3, 2 })
	at := func(namespace, name string, ended bool, locations ...string) facts.Run {
		return facts.Run{Namespace: namespace, Name: name, Ended: ended, Locations: locations}
	}
	for name, c := range map[string]struct {
		runs []facts.Run
		want string
	}{
		"nothing runs":                          {nil, ""},
		"its own Job is there already":          {[]facts.Run{at("crm-a--p", "backup-1", false, "east")}, ""},
		"one that has ended blocks nobody":      {[]facts.Run{at("crm-a--p", "backup-0", true, "east")}, ""},
		"another of the environment":            {[]facts.Run{at("crm-a--p", "restore-0", false)}, v1alpha1.ReasonRunActive},
		"others elsewhere, and room":            {[]facts.Run{at("crm-b--p", "backup-2", false, "east"), at("crm-c--p", "backup-3", false, "west")}, ""},
		"the location is full":                  {[]facts.Run{at("crm-b--p", "backup-2", false, "east"), at("crm-c--p", "backup-3", false, "east")}, v1alpha1.ReasonAtCapacity},
		"another location is full":              {[]facts.Run{at("crm-b--p", "backup-2", false, "west"), at("crm-c--p", "backup-3", false, "west")}, ""},
		"as many as may run, wherever they are": {[]facts.Run{at("crm-b--p", "b", false), at("crm-c--p", "c", false), at("crm-d--p", "d", false)}, v1alpha1.ReasonAtCapacity},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate.Alone(facts.Run{Namespace: "crm-a--p", Name: "backup-1"}, c.runs)
			if err == nil {
				err = validate.Capacity(s, "backup-1", []string{"east"}, c.runs)
			}
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			w, waiting := outcome.AsWaiting(err)
			require.True(t, waiting, "%v", err)
			assert.Equal(t, c.want, w.Reason)
			assert.Positive(t, w.After)
		})
	}
}

func TestARepositoryIsNotCaredForWhileItIsRead(t *testing.T) {
	const repository = "crm-a--p/1770000000"
	run := func(namespace, kind, repository string) facts.Run {
		return facts.Run{Namespace: namespace, Name: kind + "-0", Kind: kind, Repository: repository}
	}
	for name, c := range map[string]struct {
		starts, runs facts.Run
		waits        bool
	}{
		"a copy is made of it":                   {run("crm-a--p", naming.RunCare, repository), run("crm-a--copy", naming.RunRestore, repository), true},
		"a copy is to be made of it":             {run("crm-a--copy", naming.RunRestore, repository), run("crm-a--p", naming.RunCare, repository), true},
		"a copy is made of another":              {run("crm-a--p", naming.RunCare, repository), run("crm-a--copy", naming.RunRestore, "crm-a--q/1"), false},
		"a backup goes on while a copy is made":  {run("crm-a--p", naming.RunBackup, repository), run("crm-a--copy", naming.RunRestore, repository), false},
		"what was replaced is dropped elsewhere": {run("crm-a--p", naming.RunCare, ""), run("crm-a--copy", naming.RunDrop, ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, waiting := outcome.AsWaiting(validate.Alone(c.starts, []facts.Run{c.runs}))
			assert.Equal(t, c.waits, waiting)
		})
	}
}

func TestAnEnvironmentThatIsDeletedIsBackedUpForItsDeletionAndForNothingElse(t *testing.T) {
	born := metav1.Now()
	whole := func() (*v1alpha1.CRMBackup, *facts.Protected) {
		env := build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
			e.UID, e.DeletionTimestamp, e.Status.Version = "0b9c2a4e", &born, "2.0"
			e.Spec.FinalBackup = &v1alpha1.FinalBackup{Locations: []string{"main"}}
			e.Status.Encryption = &v1alpha1.EncryptionStatus{KeyCreated: &born}
			for _, kind := range []string{"NetworkIsolated", "KeysReady", "DatabaseReady", "Migrated"} {
				e.Status.Conditions = append(e.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue})
			}
		})
		main := v1alpha1.CRMBackupLocation{ObjectMeta: metav1.ObjectMeta{Name: "main"}, Spec: v1alpha1.CRMBackupLocationSpec{Region: "cn-east-1"}}
		main.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue}}
		final := teardown.NextFinalBackup(env, nil, born.Time).Make
		final.CreationTimestamp = born
		return final, &facts.Protected{
			Environment: env, Tenant: build.Tenant("acme"), Class: build.Class(), Locations: map[string]v1alpha1.CRMBackupLocation{"main": main},
		}
	}
	for sentence, c := range map[string]struct {
		change func(*v1alpha1.CRMBackup, *facts.Protected)
		reason string
		ends   bool
	}{
		"its final backup": {func(*v1alpha1.CRMBackup, *facts.Protected) {}, "", false},
		"another backup":   {func(b *v1alpha1.CRMBackup, _ *facts.Protected) { b.Labels = nil }, v1alpha1.ReasonEnvironmentNotReady, false},
		"one that is not wanted any more": {func(_ *v1alpha1.CRMBackup, f *facts.Protected) { f.Environment.Spec.FinalBackup = nil },
			v1alpha1.ReasonFinalBackup, true},
		"one that was made already":  {func(_ *v1alpha1.CRMBackup, f *facts.Protected) { f.Environment.Status.FinalBackup = "x" }, v1alpha1.ReasonFinalBackup, true},
		"one of an environment gone": {func(_ *v1alpha1.CRMBackup, f *facts.Protected) { f.Environment = nil }, v1alpha1.ReasonFinalBackup, true},
		"one before there is a deletion": {func(_ *v1alpha1.CRMBackup, f *facts.Protected) { f.Environment.DeletionTimestamp = nil },
			v1alpha1.ReasonFinalBackup, true},
		"of a database that does not run": {func(_ *v1alpha1.CRMBackup, f *facts.Protected) { f.Environment.Spec.State = v1alpha1.StateSuspended },
			v1alpha1.ReasonSuspended, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			b, seen := whole()
			c.change(b, seen)
			_, _, err := validate.Backup(build.Settings(), b, seen)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			waits, waiting := outcome.AsWaiting(err)
			refused, ends := outcome.AsInvalid(err)
			require.Equal(t, c.ends, ends, "%v", err)
			if waiting {
				assert.Equal(t, c.reason, waits.Reason)
			} else {
				assert.Equal(t, c.reason, refused.Reason)
			}
		})
	}
}

func TestABackupIsMadeOfWhatRunsWhateverIsDeclaredMeanwhile(t *testing.T) {
	for sentence, c := range map[string]struct {
		change  func(*v1alpha1.CRMEnvironment, *facts.Protected)
		want    string
		version string
	}{
		"everything is as declared": {func(*v1alpha1.CRMEnvironment, *facts.Protected) {}, "", "2.0"},
		"a declaration was refused": {func(e *v1alpha1.CRMEnvironment, _ *facts.Protected) { e.Generation++; e.Spec.Version = "9.9" }, "", "2.0"},
		"the class is gone":         {func(_ *v1alpha1.CRMEnvironment, f *facts.Protected) { f.Class = nil }, "", "2.0"},
		"the class is gone, and nothing was let in": {
			func(_ *v1alpha1.CRMEnvironment, f *facts.Protected) { f.Class, f.Accepted = nil, nil }, v1alpha1.ReasonClassNotFound, ""},
		"the image of another version is awaited": {func(e *v1alpha1.CRMEnvironment, _ *facts.Protected) { setFalse(e, "Migrated") }, "", "2.0"},
		"a migration stops everything": {
			func(e *v1alpha1.CRMEnvironment, _ *facts.Protected) { setFalse(e, "Migrated", "WorkloadReady") }, v1alpha1.ReasonEnvironmentNotReady, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			env, seen := letIn(t, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "2.0" })
			born := metav1.Now()
			env.Status.Encryption = &v1alpha1.EncryptionStatus{KeyCreated: &born}
			for _, kind := range []string{"NamespaceReady", "NetworkIsolated", "KeysReady", "DatabaseReady", "Migrated", "WorkloadReady"} {
				env.Status.Conditions = append(env.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue, ObservedGeneration: env.Generation})
			}
			main := v1alpha1.CRMBackupLocation{ObjectMeta: metav1.ObjectMeta{Name: "main"}, Spec: v1alpha1.CRMBackupLocationSpec{Region: "cn-east-1"}}
			main.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue}}
			f := &facts.Protected{
				Environment: env, Tenant: seen.Tenant, Class: seen.Class, Accepted: seen.Accepted, Locations: map[string]v1alpha1.CRMBackupLocation{"main": main},
			}
			c.change(env, f)
			b := &v1alpha1.CRMBackup{Spec: v1alpha1.CRMBackupSpec{EnvironmentRef: v1alpha1.LocalReference{Name: env.Name}, Locations: []string{"main"}}}
			p, _, err := validate.Backup(build.Settings(), b, f)
			if c.want != "" {
				w, waiting := outcome.AsWaiting(err)
				require.True(t, waiting, "%v", err)
				assert.Equal(t, c.want, w.Reason)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.version, p.Target.Version.Name)
		})
	}
}

func setFalse(env *v1alpha1.CRMEnvironment, kinds ...string) {
	for i := range env.Status.Conditions {
		if slices.Contains(kinds, env.Status.Conditions[i].Type) {
			env.Status.Conditions[i].Status = metav1.ConditionFalse
		}
	}
}
