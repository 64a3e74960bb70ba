//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// What a person who works all along notices of what goes down.

// managerAway is how long the manager is away under the writer. CRMKEEP_MANAGER_AWAY=10m is the long form.
func managerAway(t *testing.T) time.Duration {
	t.Helper()
	long := os.Getenv("CRMKEEP_MANAGER_AWAY")
	if long == "" {
		return 10 * time.Second
	}
	away, err := time.ParseDuration(long)
	require.NoError(t, err)
	return away
}

// afterwards is in which what follows from a trouble shows.
const afterwards = 10 * time.Second

func TestNoAcknowledgedWriteIsLost(t *testing.T) {
	environment := rehearsal(t)
	answers(t, acme, "test")
	for _, trouble := range []struct {
		what    string
		happens func(t *testing.T)
	}{
		{"while the database pod is deleted", func(t *testing.T) {
			pods, err := podsOf(t.Context(), workloadOf(environment), naming.ComponentDatabase)
			require.NoError(t, err)
			require.Len(t, pods, 1)
			require.NoError(t, c.Delete(t.Context(), &pods[0]))
			replaced(t, environment, naming.ComponentDatabase, pods[0].UID)
			becomesReady(t, environment)
		}},
		{"while the pod of Vault is deleted", func(t *testing.T) {
			require.NoError(t, c.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("vault")))
			vaultIsBack(t)
		}},
		{"while the manager is away", func(t *testing.T) {
			scaleManager(t, 0)
			t.Cleanup(func() { scaleManager(t, 1) })
			lasts(t, managerAway(t))
		}},
		{"while the node restarts", func(t *testing.T) { nodeRestarts(t, environment) }},
	} {
		t.Run(trouble.what, func(t *testing.T) {
			w := write(t, environment)
			w.takes(t)
			trouble.happens(t)
			lasts(t, afterwards)
			w.takes(t)
			w.stop()
			w.losesNothing(t)
		})
	}
}

// vaultIsBack waits until Vault answers and is not sealed.
func vaultIsBack(t *testing.T) {
	t.Helper()
	eventually(t, patient, "Vault to be back", func(ctx context.Context) error {
		// A connection of before would be waited for.
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		health, err := c.vault.Sys().HealthWithContext(ctx)
		if err == nil && health.Sealed {
			err = errors.New("it is sealed")
		}
		return err
	})
}

// lasts lets a time pass in which nothing is to change.
func lasts(t *testing.T, duration time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	case <-time.After(duration):
	}
}

// nodeRestarts cuts the power of the node under two environments, one of which has a data key, and waits until all is as before,
// which nobody helps with.
func nodeRestarts(t *testing.T, tryton *v1alpha1.CRMEnvironment) {
	t.Helper()
	tenant := newTenant(t, nil)
	feeds := newEnvironment(tenant, "feeds", ttrss(t), nil)
	require.NoError(t, c.Create(t.Context(), feeds))
	becomesReady(t, feeds)
	ttrssAnswers(t, tenant.Name, "feeds")
	environments := []*v1alpha1.CRMEnvironment{tryton, feeds}
	before := make([]map[string]any, len(environments))
	for i, environment := range environments {
		before[i] = keysOf(t, environment)
	}

	began := time.Now()
	out, err := exec.CommandContext(t.Context(), filepath.Join(c.repo, "hack/cluster/scripts/restart.sh"), "node").CombinedOutput()
	require.NoError(t, err, string(out))
	booted := time.Now()
	vaultIsBack(t)
	unsealed := time.Now()
	for i, environment := range environments {
		startedSince(t, environment, began)
		becomesReady(t, environment)
		assert.Equal(t, before[i], keysOf(t, environment), "keys of %s", workloadOf(environment))
	}
	t.Logf("booted after %.0f s, Vault unsealed after %.0f s, environments ready after %.0f s",
		booted.Sub(began).Seconds(), unsealed.Sub(began).Seconds(), time.Since(began).Seconds())
	answers(t, acme, tryton.Name)
	ttrssAnswers(t, tenant.Name, "feeds")
}

// startedSince waits until every pod that is to run has started since then, and is ready: what the API server says of pods is of before the
// restart until kubelet has looked at each.
func startedSince(t *testing.T, environment *v1alpha1.CRMEnvironment, then time.Time) {
	t.Helper()
	eventually(t, patient, "the pods to have started again", func(ctx context.Context) error {
		pods, err := podsOf(ctx, workloadOf(environment), "")
		for i := range pods {
			pod := &pods[i]
			if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
				continue
			}
			if !ready(pod) {
				err = errors.Join(err, fmt.Errorf("pod %s is not ready", pod.Name))
			}
			for _, container := range pod.Status.ContainerStatuses {
				// A point in time has no fractions of a second in the API.
				if running := container.State.Running; running == nil || running.StartedAt.Time.Before(then.Truncate(time.Second)) {
					err = errors.Join(err, fmt.Errorf("container %s of pod %s has not started", container.Name, pod.Name))
				}
			}
		}
		return err
	})
}

// keysOf tells of an environment's key and secrets in Vault which versions there are and when each was made; nothing of what they hold.
func keysOf(t *testing.T, environment *v1alpha1.CRMEnvironment) map[string]any {
	t.Helper()
	read := func(path, field string) any {
		secret, err := c.vault.Logical().ReadWithContext(t.Context(), path)
		require.NoError(t, err)
		require.NotNil(t, secret, path)
		return secret.Data[field]
	}
	name := workloadOf(environment)
	keys := map[string]any{"key": read("crmkeep-transit/keys/"+name, "keys")}
	listed, err := c.vault.Logical().ListWithContext(t.Context(), "crmkeep-kv/metadata/"+name)
	require.NoError(t, err)
	require.NotNil(t, listed)
	for _, secret := range listed.Data["keys"].([]any) {
		if secret := secret.(string); !strings.HasSuffix(secret, "/") {
			keys[secret] = read("crmkeep-kv/metadata/"+name+"/"+secret, "versions")
		}
	}
	return keys
}

// scaleManager sets how many replicas the manager has, and waits until it has them.
func scaleManager(t *testing.T, replicas int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patient)
	defer cancel()
	manager := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "crmkeep-system", Name: "crmkeep"}}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":`+strconv.Itoa(replicas)+`}}`))
	require.NoError(t, c.Patch(ctx, manager, patch))
	for {
		require.NoError(t, c.Get(ctx, client.ObjectKeyFromObject(manager), manager))
		if s := manager.Status; s.ObservedGeneration == manager.Generation && int(s.ReadyReplicas) == replicas {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the manager has not become %d replicas", replicas)
		case <-time.After(poll):
		}
	}
}
