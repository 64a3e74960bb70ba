package faults

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// aRestartedAPIServerIsWaitedFor kills the API server and starts it again on the same etcd: while an environment is made, and
// while one is steady. The manager is not restarted.
func aRestartedAPIServerIsWaitedFor(t *testing.T, w *world) {
	m := w.start(t)
	w.tenant(t, "uprooted")
	w.create(t, build.Environment("uprooted", "prod"))
	namespace := naming.WorkloadNamespace("uprooted", "prod")
	w.until(t, "something is made", func() error {
		return w.Get(t.Context(), client.ObjectKey{Name: namespace}, &corev1.Namespace{})
	})
	w.Server.Kill(t)
	w.Server.Continue(t)
	w.comesTo(t, "uprooted", "prod", "True Succeeded")
	w.settle(t, m)
	before := w.snapshot(t, "uprooted")

	w.api.Reset()
	w.Server.Kill(t)
	w.Server.Continue(t)
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default-deny"}}
	require.NoError(t, w.Delete(t.Context(), policy))
	w.until(t, "the manager sees again what happens", func() error { return w.Get(t.Context(), client.ObjectKeyFromObject(policy), policy) })
	w.settle(t, m)
	assert.Equal(t, before, w.snapshot(t, "uprooted"))
	for _, write := range w.api.Writes() {
		if counts(write) {
			assert.Contains(t, write.Path, "networkpolicies/default-deny", "a restart calls for no write")
		}
	}
	select {
	case <-m.Ended():
		t.Error("the manager has ended")
	default:
	}
}
