//go:build e2e

package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// What is declared wrongly makes no pod. The condition names the field and the remedy.

func TestADeclarationThatCannotHoldSaysWhichFieldAndWhatToDo(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, func(tenant *v1alpha1.CRMTenant) {
		tenant.Spec.Limits = &v1alpha1.TenantLimits{Purposes: []v1alpha1.Purpose{v1alpha1.PurposeTest}}
		tenant.Spec.HostnameDomains = []string{"acme.example"}
	})
	for sentence, tc := range map[string]struct {
		name   string
		change func(*v1alpha1.CRMEnvironmentSpec)
		kind   string
		reason string
		want   string
	}{
		"a class that does not exist is waited for": {"class", func(s *v1alpha1.CRMEnvironmentSpec) { s.ClassRef.Name = "no-such-class" },
			v1alpha1.ConditionReconciling, v1alpha1.ReasonClassNotFound, "no-such-class"},
		"a version that the class does not have": {"version", func(s *v1alpha1.CRMEnvironmentSpec) { s.Version = "0.1" },
			v1alpha1.ConditionStalled, v1alpha1.ReasonVersionUnknown, "spec.version"},
		"a purpose that the tenant may not have": {"purpose", func(s *v1alpha1.CRMEnvironmentSpec) { s.Purpose = v1alpha1.PurposeProduction },
			v1alpha1.ConditionStalled, v1alpha1.ReasonNotAllowed, "spec.purpose"},
		"a host name outside the tenant's domains": {"hostname", func(s *v1alpha1.CRMEnvironmentSpec) { s.Hostname = "crm.globex.example" },
			v1alpha1.ConditionStalled, v1alpha1.ReasonHostnameForbidden, "spec.hostname"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			environment := newEnvironment(tenant, tc.name, "tryton", tc.change)
			require.NoError(t, c.Create(t.Context(), environment))
			assert.Contains(t, becomes(t, environment, tc.kind, metav1.ConditionTrue, tc.reason), tc.want)
			assertNothingMade(t, workload(tenant, tc.name))
		})
	}
}

func TestAHostNameBelongsToTheFirstEnvironmentThatHasIt(t *testing.T) {
	t.Parallel()
	first, second := newTenant(t, withApproval), newTenant(t, withApproval)
	hostname := func(s *v1alpha1.CRMEnvironmentSpec) { s.Hostname = first.Name + ".example" }
	holder := newEnvironment(first, "prod", "tryton", hostname)
	require.NoError(t, c.Create(t.Context(), holder))
	becomes(t, holder, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonApprovalRequired)

	// Age counts in seconds.
	eventually(t, soon, "the first to be older", func(context.Context) error {
		if !time.Now().After(holder.CreationTimestamp.Add(time.Second)) {
			return errors.New("it is not")
		}
		return nil
	})
	late := newEnvironment(second, "prod", "tryton", hostname)
	require.NoError(t, c.Create(t.Context(), late))
	message := becomes(t, late, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonHostnameTaken)
	assert.Contains(t, message, "spec.hostname")
	assert.NotContains(t, message, first.Name+"/", "it names another tenant's environment")
	becomes(t, holder, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonApprovalRequired)

	require.NoError(t, c.Delete(t.Context(), holder))
	becomes(t, late, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonApprovalRequired)
}

func TestANamespaceOfTheNameThatIsNotOursIsLeftAlone(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, nil)
	foreign := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workload(tenant, "prod"), Labels: map[string]string{"team": "other"}}}
	require.NoError(t, c.Create(t.Context(), foreign))
	t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), foreign) })
	environment := newEnvironment(tenant, "prod", "tryton", nil)
	require.NoError(t, c.Create(t.Context(), environment))
	message := becomes(t, environment, v1alpha1.ConditionNamespaceReady, metav1.ConditionFalse, v1alpha1.ReasonNameClash)
	assert.Contains(t, message, foreign.Name)

	require.NoError(t, c.Delete(t.Context(), environment))
	goes(t, environment)
	require.NoError(t, c.Get(t.Context(), client.ObjectKeyFromObject(foreign), foreign))
	assert.Equal(t, "other", foreign.Labels["team"])
	assert.NotContains(t, foreign.Labels, naming.LabelTenant)
	assert.Nil(t, foreign.DeletionTimestamp)
}

func TestATenantsLimitsHoldForAllItsEnvironmentsTogether(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, func(tenant *v1alpha1.CRMTenant) {
		withApproval(tenant)
		two, enoughForOne := int32(2), resource.MustParse("8Gi")
		tenant.Spec.Limits = &v1alpha1.TenantLimits{Environments: &two, Storage: &enoughForOne}
	})
	first, second, third := newEnvironment(tenant, "first", "tryton", nil), newEnvironment(tenant, "second", "tryton", nil), newEnvironment(tenant, "third", "tryton", nil)
	require.NoError(t, c.Create(t.Context(), first))
	becomes(t, first, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonApprovalRequired)

	require.NoError(t, c.Create(t.Context(), second))
	message := becomes(t, second, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonLimitExceeded)
	assert.Contains(t, message, "limits.storage")
	becomes(t, first, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonApprovalRequired)

	err := c.Create(t.Context(), third)
	assert.True(t, apierrors.IsForbidden(err), "a third environment: %v", err)
}

func TestAClassWithAMistakeSaysWhereAndItsEnvironmentsWait(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, nil)
	var class v1alpha1.CRMClass
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Name: "tryton"}, &class))
	class.ObjectMeta = metav1.ObjectMeta{Name: tenant.Name}
	class.Spec.Files = append(class.Spec.Files, v1alpha1.ClassFile{Name: "mistake", Template: "${databse.host}"})
	require.NoError(t, c.Create(t.Context(), &class))
	t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), &class) })

	environment := newEnvironment(tenant, "prod", class.Name, nil)
	require.NoError(t, c.Create(t.Context(), environment))
	message := becomes(t, environment, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonClassInvalid)
	assert.Contains(t, message, "databse.host")
	assert.Contains(t, message, "spec.files")
	assertNothingMade(t, workload(tenant, "prod"))

	class.Spec.Files = class.Spec.Files[:len(class.Spec.Files)-1]
	eventually(t, soon, "the class to be mended", func(ctx context.Context) error {
		spec := class.Spec
		if err := c.Get(ctx, client.ObjectKeyFromObject(&class), &class); err != nil {
			return err
		}
		class.Spec = spec
		return c.Update(ctx, &class)
	})
	becomes(t, environment, v1alpha1.ConditionNamespaceReady, metav1.ConditionTrue, "")
}

func TestASandboxEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, func(tenant *v1alpha1.CRMTenant) {
		tenant.Spec.Approvals = &v1alpha1.TenantApprovals{Purposes: []v1alpha1.Purpose{v1alpha1.PurposeSandbox}}
	})
	minute := int64(60)
	environment := newEnvironment(tenant, "try", "tryton", func(s *v1alpha1.CRMEnvironmentSpec) {
		s.Purpose, s.TTLSeconds = v1alpha1.PurposeSandbox, &minute
	})
	require.NoError(t, c.Create(t.Context(), environment))
	goes(t, environment)
}

func TestNothingIsMadeBeforeSomebodyElseApproves(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, withApproval)
	environment := newEnvironment(tenant, "prod", "tryton", nil)
	require.NoError(t, admin(t, tenant).Create(t.Context(), environment))
	message := becomes(t, environment, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonApprovalRequired)
	assert.Contains(t, message, "crmkeep-approver")
	assertNothingMade(t, workload(tenant, "prod"))

	environment.Spec.Approval = &v1alpha1.Approval{By: "admin-of-" + tenant.Name, Request: environment.Status.Approval.Request}
	err := admin(t, tenant).Update(t.Context(), environment)
	require.Error(t, err, "an admin approved their own request")
	assert.Contains(t, err.Error(), "spec.approval")

	approver := approverOf(t, tenant)
	environment.Spec.Approval.By = "somebody-else"
	require.Error(t, approver.Update(t.Context(), environment), "an approver approved in another's name")
	environment.Spec.Approval.By = approverName
	require.NoError(t, approver.Update(t.Context(), environment))
	becomes(t, environment, v1alpha1.ConditionApproved, metav1.ConditionTrue, "")
}

func TestATenantsAdminReachesNothingOfOthers(t *testing.T) {
	t.Parallel()
	mine, others := newTenant(t, nil), newTenant(t, withApproval)
	environment := newEnvironment(others, "prod", "tryton", nil)
	require.NoError(t, c.Create(t.Context(), environment))
	me := admin(t, mine)

	for sentence, try := range map[string]func() error{
		"another tenant's environments": func() error {
			return me.List(t.Context(), &v1alpha1.CRMEnvironmentList{}, client.InNamespace(environment.Namespace))
		},
		"another tenant's environment": func() error {
			return me.Get(t.Context(), client.ObjectKeyFromObject(environment), &v1alpha1.CRMEnvironment{})
		},
		"a new environment in another tenant's home": func() error {
			return me.Create(t.Context(), newEnvironment(others, "mine", "tryton", nil))
		},
		"the tenants": func() error { return me.List(t.Context(), &v1alpha1.CRMTenantList{}) },
		"secrets, also at home": func() error {
			return me.List(t.Context(), &corev1.SecretList{}, client.InNamespace(naming.HomeNamespace(mine.Name)))
		},
		"pods, also in an own workload namespace": func() error {
			return me.List(t.Context(), &corev1.PodList{}, client.InNamespace(workload(mine, "prod")))
		},
	} {
		assert.True(t, apierrors.IsForbidden(try()), sentence)
	}
	require.NoError(t, me.List(t.Context(), &v1alpha1.CRMEnvironmentList{}, client.InNamespace(naming.HomeNamespace(mine.Name))))
}

func withApproval(tenant *v1alpha1.CRMTenant) {
	tenant.Spec.Approvals = &v1alpha1.TenantApprovals{Purposes: []v1alpha1.Purpose{v1alpha1.PurposeTest}}
}

// assertNothingMade checks that an environment that may not be has no namespace.
func assertNothingMade(t *testing.T, namespace string) {
	t.Helper()
	err := c.Get(t.Context(), client.ObjectKey{Name: namespace}, &corev1.Namespace{})
	assert.True(t, apierrors.IsNotFound(err), "namespace %s was made", namespace)
}
