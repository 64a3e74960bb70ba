package admission

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

func TestTheNamespacedKindsLiveInHomeNamespaces(t *testing.T) {
	prod := v1alpha1.LocalReference{Name: "prod"}
	kinds := map[string]func(metav1.ObjectMeta) client.Object{
		"CRMEnvironment": func(meta metav1.ObjectMeta) client.Object {
			return &v1alpha1.CRMEnvironment{ObjectMeta: meta, Spec: environment("new").Spec}
		},
		"CRMRolePolicy": func(meta metav1.ObjectMeta) client.Object {
			return &v1alpha1.CRMRolePolicy{ObjectMeta: meta, Spec: v1alpha1.CRMRolePolicySpec{
				Environments: []string{"prod"}, Roles: []v1alpha1.Role{{Name: "sales"}},
			}}
		},
		"CRMBackupSchedule": func(meta metav1.ObjectMeta) client.Object {
			return &v1alpha1.CRMBackupSchedule{ObjectMeta: meta, Spec: v1alpha1.CRMBackupScheduleSpec{
				EnvironmentRef: prod, Schedule: "@daily", Locations: []string{"east"},
			}}
		},
		"CRMBackup": func(meta metav1.ObjectMeta) client.Object {
			return &v1alpha1.CRMBackup{ObjectMeta: meta, Spec: v1alpha1.CRMBackupSpec{
				EnvironmentRef: prod, Locations: []string{"east"},
			}}
		},
		"CRMRestore": func(meta metav1.ObjectMeta) client.Object {
			return &v1alpha1.CRMRestore{ObjectMeta: meta, Spec: v1alpha1.CRMRestoreSpec{
				From: v1alpha1.RestoreFrom{BackupRef: &prod}, To: v1alpha1.RestoreTo{EnvironmentRef: &prod},
			}}
		},
	}
	var verdicts []verdict
	for kind, build := range kinds {
		verdicts = append(verdicts,
			verdict{
				name: "a " + kind + " is refused in an unrelated namespace", user: platform,
				refusal: "namespace elsewhere is not the home of a CRMTenant",
				request: creation(build(metav1.ObjectMeta{Name: "new", Namespace: elsewhere})),
			},
			verdict{
				name: "a " + kind + " is refused in a workload namespace", user: platform,
				refusal: "is not the home of a CRMTenant",
				request: creation(build(metav1.ObjectMeta{Name: "new", Namespace: workload})),
			},
			verdict{
				name: "a " + kind + " is created in a home namespace", user: tenantAdmin,
				request: creation(build(metav1.ObjectMeta{Name: "new", Namespace: home})),
			})
	}
	check(t, verdicts)
}
