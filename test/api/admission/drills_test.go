package admission

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

func backup(name string) *v1alpha1.CRMBackup {
	return &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: home},
		Spec:       v1alpha1.CRMBackupSpec{EnvironmentRef: v1alpha1.LocalReference{Name: "plain"}, Locations: []string{"east"}},
	}
}

// scheduled is a backup that a schedule has made and a drill has proven.
func scheduled(b *v1alpha1.CRMBackup) *v1alpha1.CRMBackup {
	b.Labels = map[string]string{naming.LabelSchedule: "nightly"}
	b.Annotations = map[string]string{naming.AnnotationProvenAt: "2026-11-21T03:00:00Z", naming.AnnotationScheduledAt: "2026-11-21T03:00:00Z"}
	return b
}

func restoreInto(name string, purpose v1alpha1.Purpose) *v1alpha1.CRMRestore {
	return &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: home},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: "any"}},
			To:   v1alpha1.RestoreTo{NewEnvironment: &v1alpha1.NewEnvironment{Name: "copy", Purpose: purpose}},
		},
	}
}

func copyOf(name string, purpose v1alpha1.Purpose) *v1alpha1.CRMEnvironment {
	e := environment(name)
	e.Spec.Purpose = purpose
	e.Spec.Source = &v1alpha1.EnvironmentSource{BackupRef: &v1alpha1.LocalReference{Name: "any"}}
	return e
}

func TestDrillsAreCrmkeepsAlone(t *testing.T) {
	const isOwn = "Drill is for crmkeep's own drills"
	const isFixed = "a drill's environment cannot be changed"
	resize := func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Large" }
	var verdicts []verdict
	for _, user := range []string{tenantAdmin, platform} {
		verdicts = append(verdicts,
			verdict{name: user + " cannot declare a drill's environment", user: user, refusal: isOwn, request: creation(copyOf("new", v1alpha1.PurposeDrill))},
			verdict{name: user + " cannot declare a drill", user: user, refusal: isOwn, request: creation(restoreInto("new", v1alpha1.PurposeDrill))},
			verdict{name: user + " cannot change a drill's environment", user: user, refusal: isFixed, request: edit(environment("drill"), resize)},
		)
	}
	check(t, append(verdicts, []verdict{
		{
			name: "a tenant's admin cannot make an environment a drill's", user: tenantAdmin, refusal: "cannot be changed",
			request: edit(environment("copied"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeDrill }),
		},
		{name: "crmkeep makes a drill's environment", user: operator, request: creation(copyOf("new", v1alpha1.PurposeDrill))},
		{name: "crmkeep makes a drill", user: operator, request: creation(restoreInto("new", v1alpha1.PurposeDrill))},
		{name: "a tenant's admin ends a drill", user: tenantAdmin, request: deletion(copyOf("drill", v1alpha1.PurposeDrill))},
		{
			name: "a tenant's admin labels a drill's environment", user: tenantAdmin,
			request: edit(environment("drill"), func(e *v1alpha1.CRMEnvironment) { e.Labels = map[string]string{"team": "sales"} }),
		},
		{name: "a tenant's admin makes a copy", user: tenantAdmin, request: creation(restoreInto("new", v1alpha1.PurposeSandbox))},
		{name: "a tenant's admin makes a copy without a purpose", user: tenantAdmin, request: creation(restoreInto("new", ""))},
	}...))
}

func TestWhatASchedulesBackupsAreMarkedWithIsCrmkeepsAlone(t *testing.T) {
	const isMark = "crmkeep.io/schedule, crmkeep.io/proven-at and crmkeep.io/scheduled-at are crmkeep's"
	annotate := func(name, value string) func(*v1alpha1.CRMBackup) {
		return func(b *v1alpha1.CRMBackup) { metav1.SetMetaDataAnnotation(&b.ObjectMeta, name, value) }
	}
	marked := func(o client.Object) client.Object {
		o.SetLabels(map[string]string{naming.LabelSchedule: "nightly"})
		return o
	}
	check(t, []verdict{
		{
			name: "a tenant's admin cannot say that a backup is proven", user: tenantAdmin, refusal: isMark,
			request: edit(backup("by-hand"), annotate(naming.AnnotationProvenAt, "2026-11-22T03:00:00Z")),
		},
		{
			name: "a cluster admin cannot say that a backup is proven", user: platform, refusal: isMark,
			request: edit(backup("by-hand"), annotate(naming.AnnotationProvenAt, "2026-11-22T03:00:00Z")),
		},
		{
			name: "a tenant's admin cannot say that a backup is not proven", user: tenantAdmin, refusal: isMark,
			request: edit(backup("nightly-1"), func(b *v1alpha1.CRMBackup) { delete(b.Annotations, naming.AnnotationProvenAt) }),
		},
		{
			name: "a tenant's admin cannot make a backup that is proven", user: tenantAdmin, refusal: isMark, request: creation(scheduled(backup("new"))),
		},
		{
			name: "a tenant's admin cannot give a backup to a schedule", user: tenantAdmin, refusal: isMark, request: creation(marked(backup("new"))),
		},
		{
			name: "a tenant's admin cannot take a backup from its schedule", user: tenantAdmin, refusal: isMark,
			request: edit(backup("nightly-1"), func(b *v1alpha1.CRMBackup) { b.Labels = nil }),
		},
		{
			name: "a tenant's admin cannot put a schedule's backups off", user: tenantAdmin, refusal: isMark,
			request: edit(backup("nightly-1"), annotate(naming.AnnotationScheduledAt, "2099-01-01T00:00:00Z")),
		},
		{
			name: "a tenant's admin cannot give a restore to a schedule", user: tenantAdmin, refusal: isMark,
			request: creation(marked(restoreInto("new", v1alpha1.PurposeSandbox))),
		},
		{
			name: "crmkeep says that a backup is proven", user: operator,
			request: edit(backup("by-hand"), annotate(naming.AnnotationProvenAt, "2026-11-22T03:00:00Z")),
		},
		{name: "crmkeep makes a schedule's backup", user: operator, request: creation(scheduled(backup("new")))},
		{
			name: "who may override changes a mark", user: overrider,
			request: edit(backup("nightly-1"), func(b *v1alpha1.CRMBackup) { b.Labels = nil }),
		},
		{
			name: "a tenant's admin annotates a schedule's backup", user: tenantAdmin,
			request: edit(backup("nightly-1"), annotate("example.com/ticket", "42")),
		},
		{name: "a tenant's admin makes a backup", user: tenantAdmin, request: creation(backup("new"))},
	})
}
