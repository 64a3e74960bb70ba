package admission

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// people hold the roles that are shipped for people, each one of them.
var people = []string{tenantAdmin, tenantAuditor, approver, opener, auditor, classReader, stranger}

// An attempt is something that each of people tries.
type attempt struct {
	to string
	// by are those who may; everybody else is refused.
	by      []string
	request func(ctx context.Context, c client.Client) error
}

func try(t *testing.T, attempts []attempt) {
	t.Helper()
	var verdicts []verdict
	for _, a := range attempts {
		for _, user := range people {
			v := verdict{name: user + " may " + a.to, user: user, request: a.request}
			if !slices.Contains(a.by, user) {
				v.name, v.refusal = strings.Replace(v.name, " may ", " may not ", 1), "is forbidden"
			}
			verdicts = append(verdicts, v)
		}
	}
	check(t, verdicts)
}

func get(object client.Object) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error {
		return c.Get(ctx, client.ObjectKeyFromObject(object), object)
	}
}

func list(objects client.ObjectList, namespace string) func(context.Context, client.Client) error {
	return func(ctx context.Context, c client.Client) error {
		return c.List(ctx, objects, client.InNamespace(namespace))
	}
}

func named(object client.Object, namespace, name string) client.Object {
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

func TestPeopleReadWhatTheirWorkNeedsAndNoMore(t *testing.T) {
	atHome, everywhere := []string{tenantAdmin, tenantAuditor}, []string{approver, opener, auditor}
	try(t, []attempt{
		{"read an environment", slices.Concat(atHome, everywhere), get(environment("plain"))},
		{"list environments at home", slices.Concat(atHome, everywhere), list(&v1alpha1.CRMEnvironmentList{}, home)},
		{"list every tenant's environments", everywhere, list(&v1alpha1.CRMEnvironmentList{}, "")},
		{"read another tenant's environment", everywhere, get(foreign(environment("theirs")))},
		{"read a role policy", append([]string{auditor}, atHome...), get(rolePolicy(home))},
		{"read another tenant's role policy", []string{auditor}, get(rolePolicy(otherHome))},
		{"list backups", append([]string{auditor}, atHome...), list(&v1alpha1.CRMBackupList{}, home)},
		{"list schedules", append([]string{auditor}, atHome...), list(&v1alpha1.CRMBackupScheduleList{}, home)},
		{"list restores", append([]string{auditor}, atHome...), list(&v1alpha1.CRMRestoreList{}, home)},
		{"read the tenant's evidence", atHome, get(evidenceAt(home))},
		{"read another tenant's evidence", nil, get(evidenceAt(otherHome))},
		{"read a ConfigMap that is not crmkeep's", nil, get(evidenceAt(elsewhere))},
		{"read the configuration of a workload", nil, list(&corev1.ConfigMapList{}, workload)},
		{"read events", atHome, list(&corev1.EventList{}, home)},
		{"read another tenant's events", nil, list(&corev1.EventList{}, otherHome)},
		{"read the classes", []string{auditor, classReader}, list(&v1alpha1.CRMClassList{}, "")},
		{"read the tenants", []string{auditor}, list(&v1alpha1.CRMTenantList{}, "")},
		{"read the backup locations", []string{auditor}, list(&v1alpha1.CRMBackupLocationList{}, "")},
		{"read Secrets at home", nil, list(&corev1.SecretList{}, home)},
		{"read Secrets of a workload", nil, list(&corev1.SecretList{}, workload)},
		{"read a Secret elsewhere", nil, get(named(&corev1.Secret{}, elsewhere, "any"))},
		{"list the pods of a workload", nil, list(&corev1.PodList{}, workload)},
		{"read a pod's log", nil, func(ctx context.Context, c client.Client) error {
			return c.SubResource("log").Get(ctx, pod(), &corev1.Pod{})
		}},
		{"read who holds which role at home", nil, list(&rbacv1.RoleBindingList{}, home)},
		{"read the cluster's roles", nil, list(&rbacv1.ClusterRoleList{}, "")},
		{"read the namespaces", nil, list(&corev1.NamespaceList{}, "")},
	})
}

func TestPeopleDeclareWhatTheirWorkNeedsAndNoMore(t *testing.T) {
	admin, editors := []string{tenantAdmin}, []string{tenantAdmin, approver, opener}
	prod := v1alpha1.LocalReference{Name: "prod"}
	schedule := &v1alpha1.CRMBackupSchedule{
		ObjectMeta: metav1.ObjectMeta{Name: "new", Namespace: home},
		Spec:       v1alpha1.CRMBackupScheduleSpec{EnvironmentRef: prod, Schedule: "@daily", Locations: []string{"east"}},
	}
	annotate := func(e *v1alpha1.CRMEnvironment) {
		metav1.SetMetaDataAnnotation(&e.ObjectMeta, naming.AnnotationReview, "now")
	}
	try(t, []attempt{
		{"declare an environment", admin, creation(environment("new"))},
		{"declare a role policy", admin, creation(named(rolePolicy(home), home, "new"))},
		{"declare a backup", admin, creation(backup("new"))},
		{"declare a schedule", admin, creation(schedule)},
		{"declare a restore", admin, creation(restoreInto("new", v1alpha1.PurposeSandbox))},
		{"declare an environment of another tenant", nil, creation(foreign(environment("new")))},
		{"declare a role policy of another tenant", nil, creation(named(rolePolicy(otherHome), otherHome, "new"))},
		{"edit an environment", editors, patch(environment("plain"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Large" })},
		{"ask for a review", editors, patch(environment("plain"), annotate)},
		{"edit a role policy", admin, patch(rolePolicy(home), func(p *v1alpha1.CRMRolePolicy) { p.Spec.Drift = "Report" })},
		{"delete an environment", admin, deletion(environment("plain"))},
		{"delete a role policy", admin, deletion(rolePolicy(home))},
		{"delete another tenant's environment", nil, deletion(foreign(environment("theirs")))},
		{"approve", []string{approver}, patch(environment("plain"), func(e *v1alpha1.CRMEnvironment) { approved(e, approver) })},
		{"take an approval back", editors, patch(environment("approved"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Approval = nil })},
		{"break the glass", []string{opener}, patch(environment("plain"), func(e *v1alpha1.CRMEnvironment) { opened(e, opener) })},
		{"lock the administrator out again", editors, patch(environment("opened"), func(e *v1alpha1.CRMEnvironment) { e.Spec.BreakGlass = nil })},
		{"declare a tenant", nil, creation(&v1alpha1.CRMTenant{ObjectMeta: metav1.ObjectMeta{Name: "mine"}})},
		{"delete a tenant", nil, deletion(&v1alpha1.CRMTenant{ObjectMeta: metav1.ObjectMeta{Name: "acme"}})},
		{"declare a class", nil, creation(&v1alpha1.CRMClass{ObjectMeta: metav1.ObjectMeta{Name: "mine"}})},
		{"edit a class", nil, raw("crmkeep.io", "v1alpha1", "CRMClass", "", "demo")},
		{"edit a tenant", nil, raw("crmkeep.io", "v1alpha1", "CRMTenant", "", "acme")},
		{"edit a backup location", nil, raw("crmkeep.io", "v1alpha1", "CRMBackupLocation", "", "east")},
	})
}

func TestNobodyButCrmkeepSaysWhatHasBecomeOfADeclaration(t *testing.T) {
	var attempts []attempt
	for what, object := range map[string]client.Object{
		"an environment": environment("plain"), "a role policy": rolePolicy(home), "a backup": backup("by-hand"),
		"a tenant": &v1alpha1.CRMTenant{ObjectMeta: metav1.ObjectMeta{Name: "acme"}},
		"a class":  &v1alpha1.CRMClass{ObjectMeta: metav1.ObjectMeta{Name: "demo"}},
	} {
		attempts = append(attempts, attempt{"write the status of " + what, nil, func(ctx context.Context, c client.Client) error {
			return c.Status().Patch(ctx, object.DeepCopyObject().(client.Object), client.RawPatch("application/merge-patch+json", []byte(`{"status":{"observedGeneration":9}}`)))
		}})
	}
	try(t, append(attempts,
		attempt{"skip a teardown", nil, patch(environment("ending"), func(e *v1alpha1.CRMEnvironment) { e.Finalizers = nil })},
		attempt{"say that a backup is proven", nil, patch(backup("by-hand"), func(b *v1alpha1.CRMBackup) {
			metav1.SetMetaDataAnnotation(&b.ObjectMeta, naming.AnnotationProvenAt, "2026-11-22T03:00:00Z")
		})},
		attempt{"declare a drill", nil, creation(restoreInto("new", v1alpha1.PurposeDrill))},
		attempt{"forge evidence", nil, creation(named(evidenceAt(home), home, "test-review"))},
		attempt{"edit evidence", nil, raw("", "v1", "ConfigMap", home, "prod-review")},
		attempt{"delete evidence", nil, deletion(evidenceAt(home))},
	))
}

func TestNobodyByTheseRolesGetsToWhatRunsOrToWhatGuardsIt(t *testing.T) {
	attempts := []attempt{
		{"delete a pod of a workload", nil, deletion(pod())},
		{"evict a pod of a workload", nil, evict},
		{"debug a pod of a workload", nil, raw("", "v1", "Pod", workload, "web")},
		{"scale a Deployment of a workload", nil, scale},
		{"have a token of a workload", nil, token},
		{"have a token of crmkeep", nil, func(ctx context.Context, c client.Client) error {
			return c.SubResource("token").Create(ctx, named(&corev1.ServiceAccount{}, "crmkeep-system", "crmkeep"), pod())
		}},
		{"write a Secret at home", nil, creation(named(&corev1.Secret{}, home, "new"))},
		{"write a ConfigMap at home", nil, creation(named(&corev1.ConfigMap{}, home, "new"))},
		{"start a pod at home", nil, creation(named(pod(), home, "new"))},
		{"start a Deployment at home", nil, creation(deployment(home, nil))},
		{"make a ServiceAccount at home", nil, creation(named(&corev1.ServiceAccount{}, home, "new"))},
		{"give somebody a role at home", nil, creation(&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "new", Namespace: home},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "crmkeep-tenant-admin"},
		})},
		{"give themselves a role in the cluster", nil, creation(&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "new"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "crmkeep-breakglass"},
		})},
		{"widen a role", nil, raw("rbac.authorization.k8s.io", "v1", "ClusterRole", "", "crmkeep-tenant-admin")},
		{"lift an admission policy", nil, deletion(&admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "crmkeep-break-glass"}})},
		{"unbind an admission policy", nil, deletion(&admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "crmkeep-approval"}})},
		{"change a kind", nil, raw("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "", "crmenvironments.crmkeep.io")},
		{"delete the home", nil, deletion(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: home}})},
		{"relabel the home", nil, raw("", "v1", "Namespace", "", home)},
		{"make a namespace", nil, creation(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "new"}})},
	}
	for _, way := range []string{"exec", "attach", "portforward", "proxy"} {
		for _, namespace := range []string{workload, elsewhere} {
			attempts = append(attempts, attempt{way + " into a pod of " + namespace, nil, func(ctx context.Context, c client.Client) error {
				return c.SubResource(way).Create(ctx, named(pod(), namespace, "web"), pod())
			}})
		}
	}
	for _, object := range managedObjects() {
		attempts = append(attempts, attempt{fmt.Sprintf("delete a %T that crmkeep made", object), nil, deletion(object)})
	}
	try(t, attempts)
}
