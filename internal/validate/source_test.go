package validate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

var (
	born   = time.Unix(1770000000, 0)
	backed = time.Unix(1790000000, 0)
)

// backupOf is a complete backup of an environment of tenant acme.
func backupOf(environment, name string, change ...func(*v1alpha1.CRMBackup)) v1alpha1.CRMBackup {
	at := metav1.NewTime(backed)
	b := v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: name},
		Spec:       v1alpha1.CRMBackupSpec{EnvironmentRef: v1alpha1.LocalReference{Name: environment}, Locations: []string{"east"}},
		Status: v1alpha1.CRMBackupStatus{
			Phase: v1alpha1.PhaseComplete, CompletedAt: &at,
			Locations: []v1alpha1.BackupLocationStatus{{Name: "east", Phase: v1alpha1.PhaseComplete}},
			Record:    &v1alpha1.BackupRecord{Version: "1.0", Class: build.ClassName, KeyVersion: 2, Repository: "crm-acme--" + environment + "/1770000000"},
		},
	}
	for _, c := range change {
		c(&b)
	}
	return b
}

// keyed is an environment whose key is known.
func keyed(name string, change ...func(*v1alpha1.CRMEnvironment)) v1alpha1.CRMEnvironment {
	env := build.Environment("acme", name, change...)
	created := metav1.NewTime(born)
	env.Status.Encryption = &v1alpha1.EncryptionStatus{KeyVersion: 3, MinDecryptionVersion: 1, KeyCreated: &created}
	return *env
}

func copyOf(source v1alpha1.EnvironmentSource) *v1alpha1.CRMEnvironment {
	return build.Environment("acme", "copy", func(e *v1alpha1.CRMEnvironment) { e.UID, e.Spec.Source = "uid-of-copy", &source })
}

func ofBackup(name string) v1alpha1.EnvironmentSource {
	return v1alpha1.EnvironmentSource{BackupRef: &v1alpha1.LocalReference{Name: name}}
}

func ofEnvironment(name string) v1alpha1.EnvironmentSource {
	return v1alpha1.EnvironmentSource{EnvironmentRef: &v1alpha1.LocalReference{Name: name}}
}

// filling is the restore that the copy's controller has made.
func filling(backup string, change ...func(*v1alpha1.CRMRestore)) *v1alpha1.CRMRestore {
	r := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "copy-source", OwnerReferences: []metav1.OwnerReference{{
			APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "CRMEnvironment", Name: "copy", UID: "uid-of-copy", Controller: build.Pointer(true)}}},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: backup}},
			To:   v1alpha1.RestoreTo{EnvironmentRef: &v1alpha1.LocalReference{Name: "copy"}},
		},
	}
	for _, c := range change {
		c(r)
	}
	return r
}

func ended(phase string) func(*v1alpha1.CRMRestore) {
	return func(r *v1alpha1.CRMRestore) {
		at := metav1.NewTime(backed)
		r.Status.Phase, r.Status.CompletedAt = phase, &at
	}
}

// outcomeOf names an error's kind and reason, such as "waits BackupNotFound".
func outcomeOf(err error) (kind, message string) {
	if w, ok := outcome.AsWaiting(err); ok {
		return "waits " + w.Reason, w.Message
	}
	if i, ok := outcome.AsInvalid(err); ok {
		return "invalid " + i.Reason, i.Message
	}
	return "", ""
}

func TestACopyIsFilledFromABackupOfItsTenantAndItsProduct(t *testing.T) {
	older := func(b *v1alpha1.CRMBackup) {
		b.Status.CompletedAt = build.Pointer(metav1.NewTime(backed.Add(-time.Hour)))
	}
	backups := []v1alpha1.CRMBackup{
		backupOf("prod", "newest"), backupOf("prod", "older", older), backupOf("other", "others"),
		backupOf("prod", "running", func(b *v1alpha1.CRMBackup) { b.Status = v1alpha1.CRMBackupStatus{} }),
		backupOf("prod", "failed", func(b *v1alpha1.CRMBackup) { b.Status.Locations, b.Status.Record = nil, nil }),
		backupOf("prod", "foreign", older, func(b *v1alpha1.CRMBackup) { b.Status.Record.Class = "tryton" }),
		backupOf("prod", "early", older, func(b *v1alpha1.CRMBackup) { b.Status.Record.Class = "" }),
		backupOf("gone", "orphan", func(b *v1alpha1.CRMBackup) { b.Status.Record.Class = "" }),
		backupOf("prod", "future", older, func(b *v1alpha1.CRMBackup) { b.Status.Record.Version = "3.0" }),
	}
	for name, c := range map[string]struct {
		source  v1alpha1.EnvironmentSource
		restore *v1alpha1.CRMRestore
		class   func(*v1alpha1.CRMClass)
		purpose v1alpha1.Purpose
		want    string
		says    string
		chosen  string
	}{
		"the backup that is named":                              {source: ofBackup("older"), chosen: "older"},
		"the newest of an environment":                          {source: ofEnvironment("prod"), chosen: "newest"},
		"a record of before the class was recorded":             {source: ofBackup("early"), chosen: "early"},
		"what the restore was made for, though newer ones came": {source: ofEnvironment("prod"), restore: filling("older"), chosen: "older"},
		"a backup that there is not":                            {source: ofBackup("crm-globex.theirs"), want: "waits BackupNotFound", says: "another tenant's cannot be named"},
		"an environment without a backup":                       {source: ofEnvironment("empty"), want: "waits BackupNotFound", says: "kubectl get crmbackups"},
		"a backup that is being made":                           {source: ofBackup("running"), want: "waits RunActive"},
		"a backup that failed":                                  {source: ofBackup("failed"), want: "invalid BackupUnusable"},
		"a backup of another product":                           {source: ofBackup("foreign"), want: "invalid BackupUnusable", says: `of class "tryton"`},
		"a backup of which nobody knows the product":            {source: ofBackup("orphan"), want: "invalid BackupUnusable"},
		"a version that cannot be reached":                      {source: ofBackup("future"), want: "invalid VersionMismatch", says: `set spec.version to "3.0"`},
		"a restore of the name that somebody else made": {
			source: ofBackup("older"), restore: filling("older", func(r *v1alpha1.CRMRestore) { r.OwnerReferences = nil }),
			want: "waits NameClash", says: "delete it",
		},
		"a restore of the name that fills another": {
			source: ofBackup("older"), restore: filling("older", func(r *v1alpha1.CRMRestore) { r.Spec.To.EnvironmentRef.Name = "prod" }), want: "waits NameClash",
		},
		"a class that cannot make it harmless": {
			source: ofBackup("older"), class: func(c *v1alpha1.CRMClass) { c.Spec.Neutralise = nil },
			want: "invalid NotNeutralisable", says: "have the platform add it",
		},
		"such a class, for Production": {
			source: ofBackup("older"), class: func(c *v1alpha1.CRMClass) { c.Spec.Neutralise = nil }, purpose: v1alpha1.PurposeProduction, chosen: "older",
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := copyOf(c.source)
			if c.purpose != "" {
				env.Spec.Purpose = c.purpose
			}
			class := build.Class()
			if c.class != nil {
				c.class(class)
			}
			seen := facts.Environment{Tenant: build.Tenant("acme"), Class: class, Source: &facts.Source{
				Restore: c.restore, Backups: backups, Environments: []v1alpha1.CRMEnvironment{keyed("prod")}}}
			got, err := validate.Environment(build.Settings(), env, &seen)
			kind, message := outcomeOf(err)
			require.Equal(t, c.want, kind, "%v", err)
			assert.Contains(t, message, c.says)
			if c.want == "" {
				require.NoError(t, err)
				assert.Equal(t, c.chosen, got.Source.Backup)
				assert.Equal(t, "crm-acme--prod", got.RestoreSource())
				assert.False(t, got.Neutralises(), "there is nothing yet")
			}
		})
	}
}

func TestACopyIsFilledOnce(t *testing.T) {
	source := &facts.Source{Restore: filling("older", ended(v1alpha1.PhaseComplete)), Backups: []v1alpha1.CRMBackup{backupOf("prod", "older")}}
	filled := &v1alpha1.EnvironmentSourceStatus{Backup: "older", Version: "1.0"}
	for name, c := range map[string]struct {
		seen        facts.Environment
		status      v1alpha1.CRMEnvironmentStatus
		filled      *v1alpha1.EnvironmentSourceStatus
		neutralises bool
	}{
		"by the restore that has just ended": {seen: facts.Environment{Source: source}, filled: filled, neutralises: true},
		"whose backup was deleted since": {
			seen:   facts.Environment{Source: &facts.Source{Restore: source.Restore}},
			filled: &v1alpha1.EnvironmentSourceStatus{Backup: "older", Version: "unknown"}, neutralises: true,
		},
		"as its status says":                                  {status: v1alpha1.CRMEnvironmentStatus{Source: filled}, filled: filled, neutralises: true},
		"as was retained of it":                               {seen: facts.Environment{RecordedSource: filled}, filled: filled, neutralises: true},
		"and has run since, as was retained of it":            {seen: facts.Environment{RecordedSource: filled, RecordedVersion: "2.0"}, filled: filled},
		"and its name has data that never came from a source": {seen: facts.Environment{RecordedVersion: "2.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			env := copyOf(ofBackup("older"))
			env.Status = c.status
			c.seen.Tenant, c.seen.Class = build.Tenant("acme"), build.Class()
			got, err := validate.Environment(build.Settings(), env, &c.seen)
			require.NoError(t, err)
			assert.Nil(t, got.Source)
			assert.Equal(t, c.filled, got.Filled)
			assert.Equal(t, c.neutralises, got.Neutralises())
			assert.Equal(t, "crm-acme--copy", got.RestoreSource(), "from now on it reads its own backups")
		})
	}
}

func TestDataOfAnotherEnvironmentIsMadeHarmlessWhateverIsDeclaredLater(t *testing.T) {
	seen := facts.Environment{Tenant: build.Tenant("acme"), Class: build.Class(), RecordedSource: &v1alpha1.EnvironmentSourceStatus{Backup: "b", Version: "1.0"}}
	got, err := validate.Environment(build.Settings(), build.Environment("acme", "copy"), &seen)
	require.NoError(t, err)
	assert.True(t, got.Neutralises(), "it was declared again without its source")
}

func TestADrillNeedsNoApprovalAndNoPlaceInTheListOfPurposes(t *testing.T) {
	tenant := build.Tenant("acme", func(t *v1alpha1.CRMTenant) {
		t.Spec.Limits = &v1alpha1.TenantLimits{Purposes: []v1alpha1.Purpose{v1alpha1.PurposeProduction}, Environments: build.Pointer[int32](1)}
		t.Spec.Approvals = &v1alpha1.TenantApprovals{Purposes: []v1alpha1.Purpose{v1alpha1.PurposeDrill}}
	})
	env := copyOf(ofBackup("b"))
	env.Spec.Purpose = v1alpha1.PurposeDrill
	seen := facts.Environment{Tenant: tenant, Class: build.Class(), Source: &facts.Source{Backups: []v1alpha1.CRMBackup{backupOf("prod", "b")}}}
	_, err := validate.Environment(build.Settings(), env, &seen)
	require.NoError(t, err)
	request, err := validate.Approval(tenant, env)
	require.NoError(t, err)
	assert.Empty(t, request)

	seen.Siblings = []facts.Sibling{{Environment: keyed("prod"), Class: build.Class()}}
	_, err = validate.Environment(build.Settings(), env, &seen)
	kind, _ := outcomeOf(err)
	assert.Equal(t, "waits LimitExceeded", kind, "in numbers it counts")
}

func TestOnlyItsOwnRestoreFillsACopyAndOnlyFromItsSource(t *testing.T) {
	conditions := func(e *v1alpha1.CRMEnvironment) {
		for _, kind := range []string{v1alpha1.ConditionNetworkIsolated, v1alpha1.ConditionKeysReady, v1alpha1.ConditionDatabaseReady} {
			e.Status.Conditions = append(e.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue})
		}
	}
	ready := v1alpha1.CRMBackupLocation{ObjectMeta: metav1.ObjectMeta{Name: "east"}, Status: v1alpha1.CRMBackupLocationStatus{
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}}}}
	ready.Spec.Region = build.Tenant("acme").Spec.Region
	backups := []v1alpha1.CRMBackup{
		backupOf("prod", "b"), backupOf("other", "others"),
		backupOf("prod", "shredded", func(b *v1alpha1.CRMBackup) { b.Status.Record.Repository = "crm-acme--prod/1" }),
		backupOf("prod", "trimmed", func(b *v1alpha1.CRMBackup) { b.Status.Record.KeyVersion = 0 }),
		backupOf("prod", "future", func(b *v1alpha1.CRMBackup) { b.Status.Record.Version = "3.0" }),
	}
	for name, c := range map[string]struct {
		source  v1alpha1.EnvironmentSource
		restore *v1alpha1.CRMRestore
		want    string
	}{
		"the backup that it names":             {ofBackup("b"), filling("b"), ""},
		"a backup of the environment it names": {ofEnvironment("prod"), filling("b"), ""},
		"another backup":                       {ofBackup("b"), filling("shredded"), "invalid NotAllowed"},
		"a backup of another environment":      {ofEnvironment("prod"), filling("others"), "invalid NotAllowed"},
		"a restore that a person has made":     {ofBackup("b"), filling("b", func(r *v1alpha1.CRMRestore) { r.OwnerReferences = nil }), "waits EnvironmentNotReady"},
		"the source's key was shredded since":  {ofBackup("shredded"), filling("shredded"), "invalid KeyVersionGone"},
		"the source's key lost that version":   {ofBackup("trimmed"), filling("trimmed"), "invalid KeyVersionGone"},
		"a version from which none leads":      {ofBackup("future"), filling("future"), "invalid VersionMismatch"},
		"a backup that was deleted in between": {ofBackup("gone"), filling("gone"), "invalid BackupNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			env := keyed("copy", conditions)
			env.UID, env.Spec.Source = types.UID("uid-of-copy"), &c.source
			seen := &facts.Protected{
				Environment: &env, Tenant: build.Tenant("acme"), Class: build.Class(), Locations: map[string]v1alpha1.CRMBackupLocation{"east": ready}}
			got, err := validate.RestoreOf(build.Settings(), c.restore, backups, []v1alpha1.CRMEnvironment{keyed("prod")}, seen)
			kind, _ := outcomeOf(err)
			require.Equal(t, c.want, kind, "%v", err)
			if c.want == "" {
				require.NoError(t, err)
				assert.Equal(t, "crm-acme--prod", got.Target.RestoreSource())
			}
			_, _, err = validate.Backup(build.Settings(), build.Pointer(backupOf("copy", "early")), seen)
			kind, _ = outcomeOf(err)
			assert.Equal(t, "waits EnvironmentNotReady", kind, "there is nothing to back up")
		})
	}
}

func TestANewEnvironmentIsLikeTheOneThatTheBackupIsOf(t *testing.T) {
	into := func(n v1alpha1.NewEnvironment, backup string) *v1alpha1.CRMRestore {
		return &v1alpha1.CRMRestore{
			ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "look"},
			Spec: v1alpha1.CRMRestoreSpec{
				From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: backup}}, To: v1alpha1.RestoreTo{NewEnvironment: &n}},
		}
	}
	prod := keyed("prod", func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Size, e.Spec.Hostname, e.Status.Version = "Medium", "crm.acme.example", "2.0"
		e.Spec.Integrations = []v1alpha1.Integration{{Name: "mail", CIDR: "203.0.113.0/28", Port: 587}}
		e.Spec.Approval = &v1alpha1.Approval{By: "boss", Request: "0123456789"}
	})
	backups := []v1alpha1.CRMBackup{backupOf("prod", "b"), backupOf("gone", "orphan")}
	classes := []v1alpha1.CRMClass{*build.Class()}

	r := into(v1alpha1.NewEnvironment{Name: "look", KeepLogins: []v1alpha1.Login{"li.na"}}, "b")
	env, err := validate.IntoNew(r, backups, []v1alpha1.CRMEnvironment{prod}, classes)
	require.NoError(t, err)
	assert.Equal(t, v1alpha1.CRMEnvironmentSpec{
		ClassRef: v1alpha1.ClassReference{Name: build.ClassName}, Version: "2.0", Size: "Medium", Purpose: v1alpha1.PurposeSandbox,
		TTLSeconds: build.Pointer[int64](86400), DeletionPolicy: v1alpha1.DeletionShred,
		Source: &v1alpha1.EnvironmentSource{BackupRef: &v1alpha1.LocalReference{Name: "b"}, KeepLogins: []v1alpha1.Login{"li.na"}},
	}, env.Spec)
	r.Status.Backup = "b"
	assert.True(t, validate.MadeBy(r, env))
	env.Labels[naming.LabelRestore] = "another"
	assert.False(t, validate.MadeBy(r, env))

	env, err = validate.IntoNew(into(v1alpha1.NewEnvironment{Name: "look", Purpose: v1alpha1.PurposeProduction}, "orphan"), backups, nil, classes)
	require.NoError(t, err)
	assert.Equal(t, "1.0", env.Spec.Version, "of an environment that is gone the record tells")
	assert.Nil(t, env.Spec.TTLSeconds)
	assert.Empty(t, env.Spec.DeletionPolicy)

	classes[0].Spec.Neutralise = nil
	_, err = validate.IntoNew(r, backups, []v1alpha1.CRMEnvironment{prod}, classes)
	kind, _ := outcomeOf(err)
	assert.Equal(t, "invalid NotNeutralisable", kind)
	_, err = validate.IntoNew(r, backups, []v1alpha1.CRMEnvironment{prod}, nil)
	kind, _ = outcomeOf(err)
	assert.Equal(t, "invalid ClassNotFound", kind)
}
