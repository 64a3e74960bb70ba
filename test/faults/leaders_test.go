package faults

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/installation"
	"github.com/crmkeep/crmkeep/internal/testing/operator"
	needs "github.com/crmkeep/crmkeep/internal/testing/require"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// twoLeadersDoNotFight runs two managers, each of which thinks that it leads.
func twoLeadersDoNotFight(t *testing.T, w *world, expected reference) {
	one, other := w.start(t), w.start(t)
	writes := 0
	w.live(t, expected, func(_ int, s stage) *operator.Manager {
		w.api.Reset()
		w.secrets.Reset()
		w.pass(t, s)
		w.settle(t, one, other)
		writes += w.writes()
		return one
	})
	t.Logf("two leaders made %d writes where one makes %d", writes, sum(expected.writes))

	w.tenant(t, "contested")
	w.create(t, build.Environment("contested", "prod"))
	w.comesTo(t, "contested", "prod", "True Succeeded")
	w.settle(t, one, other)
	w.api.Reset()
	class := build.Class()
	require.NoError(t, w.Patch(t.Context(), class, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"displayName":"looked at again"}}`))))
	w.until(t, "the class was looked at", func() error {
		live := &v1alpha1.CRMClass{}
		if err := w.Get(t.Context(), client.ObjectKeyFromObject(class), live); err != nil {
			return err
		}
		return statuscheck.Is(live.Generation, live.Status.ObservedGeneration, live.Status.Conditions, "True Succeeded")
	})
	w.settle(t, one, other)
	for _, write := range w.api.Writes() {
		assert.True(t, strings.HasSuffix(write.Path, "/crmclasses/demo/status") || !counts(write), "%s", write)
	}
}

// aStandbyTakesOver kills the leader while it makes an environment.
func aStandbyTakesOver(t *testing.T, w *world) {
	w.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: installation.OperatorNamespace}})
	w.grantLeases(t)
	elect := []string{"--leader-elect", "--leader-election-namespace=" + installation.OperatorNamespace}
	leader := w.start(t, elect...)
	standby := w.launch(t, elect...)
	w.tenant(t, "orphaned")
	death := w.killAt(leader, 20, true)
	w.create(t, build.Environment("orphaned", "prod"))
	<-death
	w.use(nil)
	w.comesTo(t, "orphaned", "prod", "True Succeeded")
	w.settle(t, standby)

	leases := func() []coordinationv1.Lease {
		var list coordinationv1.LeaseList
		require.NoError(t, w.List(t.Context(), &list, client.InNamespace(installation.OperatorNamespace)))
		return list.Items
	}
	require.Len(t, leases(), 1)
	assert.Equal(t, naming.FieldOwner, leases()[0].Name)
	assert.EqualValues(t, 1, *leases()[0].Spec.LeaseTransitions)
	standby.Stop(t)
	assert.Empty(t, *leases()[0].Spec.HolderIdentity, "who ends gives the lease back")
}

// grantLeases grants what the chart does for electing a leader, and nothing else of it.
func (w *world) grantLeases(t *testing.T) {
	t.Helper()
	helm := exec.CommandContext(t.Context(), needs.Env(t, "HELM", "the program helm, built by hack/tools"), "template", "crmkeep",
		apitest.File("charts/crmkeep"), "--namespace="+installation.OperatorNamespace, "--show-only=templates/rbac.yaml",
		"--set=settings.vault.address="+w.settings.Vault.Address+",settings.network.vault.namespace=vault",
		"--set=settings.images.crmkeep=crmkeep.local/crmkeep:dev,settings.images.postgres=crmkeep.local/postgres:15")
	var complaint bytes.Buffer
	helm.Stderr = &complaint
	rendered, err := helm.Output()
	require.NoError(t, err, complaint.String())
	var granted []string
	for document := range bytes.SplitSeq(rendered, []byte("\n---\n")) {
		object := &unstructured.Unstructured{}
		require.NoError(t, yaml.UnmarshalStrict(document, &object.Object), "%s", document)
		if object.GetNamespace() == installation.OperatorNamespace {
			w.create(t, object)
			granted = append(granted, object.GetKind())
		}
	}
	require.ElementsMatch(t, []string{"Role", "RoleBinding"}, granted)
}

func sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}
