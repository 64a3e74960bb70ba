//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

const labelComponent = naming.LabelComponent

// newTenant declares a tenant with a name of its own and waits for its home. It goes, with all its environments, when the test ends.
func newTenant(t *testing.T, change func(*v1alpha1.CRMTenant)) *v1alpha1.CRMTenant {
	t.Helper()
	tenant := &v1alpha1.CRMTenant{
		ObjectMeta: metav1.ObjectMeta{Name: "e2e-" + utilrand.String(6)},
		Spec: v1alpha1.CRMTenantSpec{
			DisplayName:        "Tenant of a test",
			Owner:              v1alpha1.Person{Name: "Wei Zhang", Email: "wei.zhang@acme.example"},
			DataClassification: v1alpha1.ClassificationInternal,
			Region:             "cn-east-1",
		},
	}
	tenant.Spec.Admins = []v1alpha1.Subject{{Kind: "Group", Name: tenant.Name + "-admins"}}
	if change != nil {
		change(tenant)
	}
	require.NoError(t, c.Create(t.Context(), tenant))
	t.Cleanup(func() { removeTenant(t, tenant.Name) })
	eventually(t, soon, "the tenant to be ready", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(tenant), tenant); err != nil {
			return err
		}
		return is(tenant.Status.Conditions, tenant.Generation, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	})
	return tenant
}

// admin gives the client of somebody in the tenant's group of admins.
func admin(t *testing.T, tenant *v1alpha1.CRMTenant) client.Client {
	t.Helper()
	return c.as(t, "admin-of-"+tenant.Name, tenant.Name+"-admins")
}

// removeTenant deletes a tenant, its environments and their data. A failed test's cluster should be usable for the next run.
func removeTenant(t *testing.T, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	home := client.InNamespace(naming.HomeNamespace(name))
	var environments v1alpha1.CRMEnvironmentList
	if err := c.List(ctx, &environments, home); err != nil {
		t.Errorf("listing what to remove: %v", err)
		return
	}
	for i := range environments.Items {
		e := &environments.Items[i]
		if e.DeletionTimestamp.IsZero() {
			patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"deletionPolicy":"Delete","shred":null}}`))
			if err := c.Patch(ctx, e, patch); client.IgnoreNotFound(err) != nil {
				t.Errorf("removing %s: %v", e.Name, err)
			}
		}
		if err := c.Delete(ctx, e); client.IgnoreNotFound(err) != nil {
			t.Errorf("removing %s: %v", e.Name, err)
		}
	}
	if err := c.Delete(ctx, &v1alpha1.CRMTenant{ObjectMeta: metav1.ObjectMeta{Name: name}}); client.IgnoreNotFound(err) != nil {
		t.Errorf("removing tenant %s: %v", name, err)
	}
}

// newEnvironment builds an environment that is deleted with its data; change makes it what the test needs.
func newEnvironment(tenant *v1alpha1.CRMTenant, name, class string, change func(*v1alpha1.CRMEnvironmentSpec)) *v1alpha1.CRMEnvironment {
	environment := &v1alpha1.CRMEnvironment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: naming.HomeNamespace(tenant.Name)},
		Spec: v1alpha1.CRMEnvironmentSpec{
			ClassRef: v1alpha1.ClassReference{Name: class},
			Purpose:  v1alpha1.PurposeTest,
		},
	}
	if change != nil {
		change(&environment.Spec)
	}
	return environment
}

// workload is the namespace of an environment's pods.
func workload(tenant *v1alpha1.CRMTenant, environment string) string {
	return naming.WorkloadNamespace(tenant.Name, environment)
}

// update changes an environment, again when somebody else was faster.
func update(t *testing.T, environment *v1alpha1.CRMEnvironment, change func(*v1alpha1.CRMEnvironmentSpec)) {
	t.Helper()
	eventually(t, soon, "an update", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(environment), environment); err != nil {
			return err
		}
		change(&environment.Spec)
		return c.Update(ctx, environment)
	})
}

// is complains unless a condition has a status, and, unless it is empty, a reason, and speaks of the generation.
func is(conditions []metav1.Condition, generation int64, kind string, status metav1.ConditionStatus, reason string) error {
	condition := meta.FindStatusCondition(conditions, kind)
	switch {
	case condition == nil:
		return fmt.Errorf("no condition %s among %s", kind, tell(conditions))
	case condition.ObservedGeneration != generation:
		return fmt.Errorf("condition %s speaks of generation %d, not %d", kind, condition.ObservedGeneration, generation)
	case condition.Status != status, reason != "" && condition.Reason != reason:
		return fmt.Errorf("want %s=%s %s; there is %s", kind, status, reason, tell(conditions))
	}
	return nil
}

func tell(conditions []metav1.Condition) string {
	var all string
	for _, condition := range conditions {
		all += fmt.Sprintf("\n  %s=%s %s: %s", condition.Type, condition.Status, condition.Reason, condition.Message)
	}
	return all
}

// becomes waits for a condition of an environment and gives its message.
func becomes(t *testing.T, environment *v1alpha1.CRMEnvironment, kind string, status metav1.ConditionStatus, reason string) string {
	t.Helper()
	eventually(t, patient, fmt.Sprintf("%s/%s to be %s=%s %s", environment.Namespace, environment.Name, kind, status, reason),
		func(ctx context.Context) error {
			if err := c.Get(ctx, client.ObjectKeyFromObject(environment), environment); err != nil {
				return err
			}
			return is(environment.Status.Conditions, environment.Generation, kind, status, reason)
		})
	return meta.FindStatusCondition(environment.Status.Conditions, kind).Message
}

// becomesReady waits until everything declared holds.
func becomesReady(t *testing.T, environment *v1alpha1.CRMEnvironment) {
	t.Helper()
	becomes(t, environment, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// goes waits until an object is no more.
func goes(t *testing.T, object client.Object) {
	t.Helper()
	eventually(t, patient, fmt.Sprintf("%T %s to be gone", object, object.GetName()), func(ctx context.Context) error {
		err := c.Get(ctx, client.ObjectKeyFromObject(object), object)
		if err == nil {
			return errors.New("it is there" + lastWords(object))
		}
		return client.IgnoreNotFound(err)
	})
}

// lastWords is what an environment that does not go says of it.
func lastWords(object client.Object) string {
	if environment, ok := object.(*v1alpha1.CRMEnvironment); ok {
		return ": " + tell(environment.Status.Conditions)
	}
	return ""
}

// nothingRuns complains while an environment has a pod that has not ended.
func nothingRuns(ctx context.Context, namespace string) error {
	pods, err := podsOf(ctx, namespace, "")
	for i := range pods {
		if phase := pods[i].Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			return fmt.Errorf("pod %s is %s", pods[i].Name, phase)
		}
	}
	return err
}
