//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// What a person who works all along notices of what goes down.

// written is what test/e2e/writer.py tells.
type written struct {
	Acknowledged int      `json:"acknowledged"`
	Lost         []string `json:"lost"`
	// Longest time in seconds between two writes that were taken.
	Longest float64 `json:"longest"`
}

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

func TestNoAcknowledgedWriteIsLost(t *testing.T) {
	environment := rehearsal(t)
	answers(t, acme, "test")
	away := managerAway(t)
	for _, trouble := range []struct {
		what    string
		lasts   time.Duration
		happens func(t *testing.T)
	}{
		{"while the database pod is deleted", 0, func(t *testing.T) {
			pods, err := podsOf(t.Context(), workloadOf(environment), naming.ComponentDatabase)
			require.NoError(t, err)
			require.Len(t, pods, 1)
			require.NoError(t, c.Delete(t.Context(), &pods[0]))
			replaced(t, environment, naming.ComponentDatabase, pods[0].UID)
			becomesReady(t, environment)
		}},
		{"while the pod of Vault is deleted", 0, func(t *testing.T) {
			require.NoError(t, c.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("vault")))
			eventually(t, patient, "Vault to be back", func(ctx context.Context) error {
				health, err := c.vault.Sys().HealthWithContext(ctx)
				if err == nil && health.Sealed {
					err = errors.New("it is sealed")
				}
				return err
			})
		}},
		{"while the manager is away", away, func(t *testing.T) {
			scaleManager(t, 0)
			t.Cleanup(func() { scaleManager(t, 1) })
		}},
	} {
		t.Run(trouble.what, func(t *testing.T) {
			const around = 30 * time.Second // in which the trouble begins and ends
			prefix := "Writer " + utilrand.String(6)
			told := make(chan written, 1)
			failed := make(chan error, 1)
			go func() {
				w, err := write(t.Context(), prefix, around+trouble.lasts)
				failed <- err
				told <- w
			}()
			eventually(t, soon, "the first customer to be taken", func(ctx context.Context) error {
				found, err := tryton(ctx, acme, "test", "find", prefix+" 1")
				if err == nil && found != "1" {
					err = errors.New("there is none")
				}
				return err
			})
			trouble.happens(t)
			require.NoError(t, <-failed)
			w := <-told
			t.Logf("%d customers were taken; for %.1f s none was", w.Acknowledged, w.Longest)
			assert.Empty(t, w.Lost, "taken and not there")
			assert.Positive(t, w.Acknowledged)
		})
	}
}

// write keeps making customers in the rehearsal's Tryton.
func write(ctx context.Context, prefix string, duration time.Duration) (written, error) {
	var w written
	out, err := c.shell(ctx, acme, "person", "test", filepath.Join(c.repo, "test/e2e/writer.py"), "crm/",
		prefix, strconv.Itoa(int(duration.Seconds())))
	if err == nil {
		err = json.Unmarshal([]byte(out), &w)
	}
	return w, err
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
