//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// What happens to an environment that runs.

func TestAQuarantinedEnvironmentKeepsPeopleOutAndComesBackByOneEdit(t *testing.T) {
	environment := rehearsal(t)
	answers(t, acme, "test")
	name := newCustomer(t, acme, "test")

	update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) { s.State = v1alpha1.StateQuarantined })
	becomes(t, environment, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonQuarantined)
	eventually(t, soon, "the way in to be closed", func(ctx context.Context) error {
		out, err := c.shell(ctx, acme, "python", "demo-ingress/client", c.repo+"/hack/demo/reach.py", "web."+workloadOf(environment)+".svc:443")
		if err == nil && !strings.Contains(out, "closed") {
			err = errors.New(out)
		}
		return err
	})
	pods, err := podsOf(t.Context(), workloadOf(environment), naming.ComponentDatabase)
	require.NoError(t, err)
	require.Len(t, pods, 1, "the evidence must stay reachable")

	update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) { s.State = "" })
	becomesReady(t, environment)
	answers(t, acme, "test")
	assertCustomer(t, acme, "test", name)
}

func TestWhatSomebodyChangesByHandIsPutBack(t *testing.T) {
	environment := rehearsal(t)
	namespace := workloadOf(environment)
	hand := firefighter(t)

	var policies networkingv1.NetworkPolicyList
	require.NoError(t, c.List(t.Context(), &policies, client.InNamespace(namespace)))
	require.NotEmpty(t, policies.Items)
	for i := range policies.Items {
		deleted := &policies.Items[i]
		require.NoError(t, hand.Delete(t.Context(), deleted))
		eventually(t, soon, "network policy "+deleted.Name+" to be back", func(ctx context.Context) error {
			var back networkingv1.NetworkPolicy
			if err := c.Get(ctx, client.ObjectKeyFromObject(deleted), &back); err != nil {
				return err
			}
			if back.UID == deleted.UID || !equality.Semantic.DeepEqual(back.Spec, deleted.Spec) {
				return errors.New("it is not as it was")
			}
			return nil
		})
	}

	var web appsv1.Deployment
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "web"}, &web))
	image := web.Spec.Template.Spec.Containers[0].Image
	web.Spec.Template.Spec.Containers[0].Image = "crmkeep.local/busybox:dev"
	require.NoError(t, hand.Update(t.Context(), &web))
	eventually(t, soon, "the deployment's image to be back", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(&web), &web); err != nil {
			return err
		}
		if got := web.Spec.Template.Spec.Containers[0].Image; got != image {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	becomesReady(t, environment)
}

func TestAClusterAdministratorDoesNotChangeByAccidentWhatCrmkeepMade(t *testing.T) {
	environment := rehearsal(t)
	var web appsv1.Deployment
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Namespace: workloadOf(environment), Name: "web"}, &web))
	err := c.Delete(t.Context(), &web)
	assert.True(t, apierrors.IsForbidden(err), "%v", err)
	assert.ErrorContains(t, err, "crmkeep-override")
}

func TestAnApplicationIsReachedThroughItsAgentOnlyAndItsFilesAreInMemoryForItAlone(t *testing.T) {
	environment := rehearsal(t)
	pods := slices.DeleteFunc(settled(t, environment), func(p corev1.Pod) bool { return p.Labels[labelComponent] != "web" })
	require.NotEmpty(t, pods)
	out, err := c.shell(t.Context(), acme, "python", workloadOf(environment)+"/"+pods[0].Name, c.repo+"/test/e2e/inside.py", config.FilesDir)
	require.NoError(t, err)
	var inside struct {
		Ports      []int
		FileSystem string
		Files      map[string]os.FileMode
	}
	require.NoError(t, json.Unmarshal([]byte(out), &inside))
	assert.Equal(t, []int{config.TLSPort, config.HealthPort}, inside.Ports, "ports that are open to others")
	assert.Equal(t, "tmpfs", inside.FileSystem)
	assert.Contains(t, inside.Files, "trytond.conf")
	assert.Contains(t, inside.Files, config.EnvFile)
	for name, mode := range inside.Files {
		assert.Zero(t, mode&0o077, "%s has mode %o; the class asks for none that others could read", name, mode)
	}
}

func TestACRMKeepsRunningWhileVaultIsSealed(t *testing.T) {
	environment := rehearsal(t)
	before := settled(t, environment)
	name := newCustomer(t, acme, "test")
	// A person has their password, and a browser its CA. The demo's come from Vault, so they are got while it answers.
	logIn := withoutVault(t, acme, "test")
	sealVault(t)
	poke(t, environment)
	message := becomes(t, environment, v1alpha1.ConditionKeysReady, metav1.ConditionFalse, "VaultSealed")
	assert.Contains(t, message, "unseal")

	after, err := podsOf(t.Context(), workloadOf(environment), "")
	require.NoError(t, err)
	assert.Equal(t, started(before), started(after), "a pod was restarted or replaced")
	for i := range after {
		if after[i].Status.Phase == corev1.PodRunning {
			assert.True(t, ready(&after[i]), "pod %s is not ready", after[i].Name)
		}
	}
	who, err := logIn(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "admin", who, "while Vault is sealed")
	health, err := c.vault.Sys().HealthWithContext(t.Context())
	require.NoError(t, err)
	require.True(t, health.Sealed, "somebody has unsealed Vault")

	unsealVault(t)
	becomesReady(t, environment)
	assertCustomer(t, acme, "test", name)
}

func TestAPodThatStartsWhileVaultIsSealedWaitsAndThenRuns(t *testing.T) {
	environment := rehearsal(t)
	pods, err := podsOf(t.Context(), workloadOf(environment), "web")
	require.NoError(t, err)
	require.NotEmpty(t, pods)
	sealVault(t)
	require.NoError(t, c.Delete(t.Context(), &pods[0]))
	replaced(t, environment, "web", pods[0].UID)
	eventually(t, soon, "the agent to say what it waits for", func(ctx context.Context) error {
		now, err := podsOf(ctx, workloadOf(environment), "web")
		if err != nil || len(now) == 0 {
			return errors.Join(err, errors.New("no pod"))
		}
		logs, err := c.shell(ctx, acme, "kubectl", "logs", "-n", workloadOf(environment), now[len(now)-1].Name, "-c", "agent")
		if err == nil && !strings.Contains(logs, "sealed") {
			err = fmt.Errorf("it says: %s", logs)
		}
		return err
	})
	unsealVault(t)
	becomesReady(t, environment)
	answers(t, acme, "test")
}

func workloadOf(environment *v1alpha1.CRMEnvironment) string { return environment.Status.Namespace }

// poke makes the operator look at an environment anew.
func poke(t *testing.T, environment *v1alpha1.CRMEnvironment) {
	t.Helper()
	days := int32(29)
	update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) {
		if e := s.Encryption; e != nil && e.KeyRotationDays != nil && *e.KeyRotationDays == days {
			days = 30
		}
		s.Encryption = &v1alpha1.EnvironmentEncryption{KeyRotationDays: &days}
	})
}

// replaced waits until a component's pod is another one.
func replaced(t *testing.T, environment *v1alpha1.CRMEnvironment, component string, old types.UID) {
	t.Helper()
	eventually(t, patient, "a new pod of "+component, func(ctx context.Context) error {
		pods, err := podsOf(ctx, workloadOf(environment), component)
		if err != nil {
			return err
		}
		for i := range pods {
			if pods[i].UID == old {
				return errors.New("the old one is there")
			}
		}
		if len(pods) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
}

// settled waits until no pod is ending and lists those that are there.
func settled(t *testing.T, environment *v1alpha1.CRMEnvironment) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	eventually(t, patient, "pods to end", func(ctx context.Context) error {
		var err error
		pods, err = podsOf(ctx, workloadOf(environment), "")
		for i := range pods {
			if pods[i].DeletionTimestamp != nil {
				return fmt.Errorf("pod %s is ending", pods[i].Name)
			}
		}
		return err
	})
	return pods
}

// started tells of each pod how often its containers have started.
func started(pods []corev1.Pod) map[string]int32 {
	counts := map[string]int32{}
	for i := range pods {
		status := &pods[i].Status
		for _, containers := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses} {
			for _, container := range containers {
				counts[string(pods[i].UID)+"/"+container.Name] = container.RestartCount
			}
		}
	}
	return counts
}

func ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
