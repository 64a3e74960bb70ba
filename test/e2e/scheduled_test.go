//go:build e2e

package e2e

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

const cleaner = "cleaner"

// An agent that did not end with the task would leave each run unfinished, and the next one would never begin.
func TestAScheduledComponentDoesItsWorkAndEnds(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, nil)
	environment := newEnvironment(tenant, "feeds", everyMinute(t, tenant), nil)
	require.NoError(t, c.Create(t.Context(), environment))
	becomesReady(t, environment)

	cronJob := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: workloadOf(environment), Name: cleaner}}
	var first metav1.Time
	eventually(t, patient, "a run to succeed and say what it did", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(cronJob), cronJob); err != nil {
			return err
		}
		if cronJob.Status.LastSuccessfulTime == nil {
			return errors.New("none has")
		}
		first = *cronJob.Status.LastSuccessfulTime
		return saysTags(ctx, tenant.Name, environment)
	})
	eventually(t, patient, "the next run to succeed", func(ctx context.Context) error {
		err := c.Get(ctx, client.ObjectKeyFromObject(cronJob), cronJob)
		if err == nil && !first.Before(cronJob.Status.LastSuccessfulTime) {
			err = errors.New("it has not")
		}
		return err
	})
	update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) { s.State = v1alpha1.StateSuspended })
	eventually(t, patient, "nothing to run any more", func(ctx context.Context) error { return nothingRuns(ctx, workloadOf(environment)) })
}

// everyMinute declares a class for the tenant whose scheduled component need not be waited for until the night.
func everyMinute(t *testing.T, tenant *v1alpha1.CRMTenant) string {
	t.Helper()
	var nightly v1alpha1.CRMClass
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Name: ttrss(t)}, &nightly))
	class := &v1alpha1.CRMClass{ObjectMeta: metav1.ObjectMeta{Name: tenant.Name}, Spec: nightly.Spec}
	i := slices.IndexFunc(class.Spec.Components, func(component v1alpha1.ClassComponent) bool { return component.Name == cleaner })
	class.Spec.Components[i].Schedule = "* * * * *"
	require.NoError(t, c.Create(t.Context(), class))
	t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), class) })
	return class.Name
}

// saysTags looks into the logs of the runs that have ended: one that could not begin ends well, too.
func saysTags(ctx context.Context, tenant string, environment *v1alpha1.CRMEnvironment) error {
	pods, err := podsOf(ctx, workloadOf(environment), cleaner)
	if err != nil {
		return err
	}
	for i := range pods {
		if pods[i].Status.Phase != corev1.PodSucceeded {
			continue
		}
		said, err := c.shell(ctx, tenant, "kubectl", "logs", "--namespace="+pods[i].Namespace, pods[i].Name, "--container=main")
		if err != nil {
			return err
		}
		if strings.Contains(said, "0 tags deleted") {
			return nil
		}
	}
	return errors.New("no run that succeeded has deleted tags")
}
