// Package controlplane completes an API server of package apitest to what controllers live in: Kubernetes' own controllers run as a
// process, and a stand-in for kubelet takes every pod to where a node would. Nothing runs in the pods; the end-to-end tests are for that.
package controlplane

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/require"
)

// controllers that run.
var controllers = []string{
	"deployment-controller", "replicaset-controller", "statefulset-controller", "job-controller", "cronjob-controller",
	"namespace-controller", "garbage-collector-controller", "resourcequota-controller",
	"persistentvolumeclaim-protection-controller",
}

// everything is the group that may do everything. The names that come with it are those that admission policies know Kubernetes by.
const everything = "system:masters"

const (
	startTimeout = 3 * time.Minute
	stopTimeout  = 20 * time.Second
)

// Run runs controllers and nodes until the test ends. The binary kube-controller-manager is looked for beside kube-apiserver.
func Run(t testing.TB, server *apitest.Server) {
	t.Helper()
	binary := filepath.Join(require.Env(t, "KUBEBUILDER_ASSETS", "a folder with kube-controller-manager"), "kube-controller-manager")
	if _, err := os.Stat(binary); err != nil {
		require.Missing(t, "needs kube-controller-manager: %v", err)
	}
	kubeconfig := server.KubeconfigAs(t, "system:kube-controller-manager", everything)
	process := exec.Command(binary, "--kubeconfig="+kubeconfig, "--controllers="+strings.Join(controllers, ","),
		"--leader-elect=false", "--secure-port=0", "--concurrent-namespace-syncs=4", "--namespace-sync-period=5s",
		// The test's own clients are the load; a throttled controller would only make it wait.
		"--kube-api-qps=500", "--kube-api-burst=500")
	var log strings.Builder
	process.Stderr = &log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		force := time.AfterFunc(stopTimeout, func() { _ = process.Process.Kill() })
		defer force.Stop()
		_ = process.Wait()
		if t.Failed() && os.Getenv("CRMKEEP_TEST_VERBOSE") != "" {
			t.Logf("kube-controller-manager:\n%s", log.String())
		}
	})
	waitUntilTheyWork(t, server.Config())
	runNode(t, server.As("system:node:node", "system:nodes", everything))
}

// waitUntilTheyWork waits until an object was looked at: before, a test would only use up its patience.
func waitUntilTheyWork(t testing.TB, config *rest.Config) {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"app": "probe"}
	probe := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32), ServiceName: "probe", Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "crmkeep.local/probe:test"}}},
			},
		},
	}
	sets := client.AppsV1().StatefulSets(metav1.NamespaceDefault)
	if _, err := sets.Create(t.Context(), probe, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		seen, err := sets.Get(ctx, probe.Name, metav1.GetOptions{})
		return err == nil && seen.Status.ObservedGeneration > 0, nil
	})
	if err == nil {
		err = sets.Delete(t.Context(), probe.Name, metav1.DeleteOptions{})
	}
	if err != nil {
		t.Fatalf("kube-controller-manager does nothing: %v", err)
	}
}
