package controlplane

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// What becomes of a pod is in its image: one that ends like this does so, and any other works. A pod that works and is not to be
// restarted succeeds.
const (
	// Fails ends with an error.
	Fails = "-fails"
	// Hangs runs and never gets ready, or never ends.
	Hangs = "-hangs"
	// Missing cannot be pulled.
	Missing = "-missing"
)

// resync is how soon a pod is looked at again after a request about it has failed.
const resync = time.Second

// node does for every pod what scheduler and kubelet do.
type node struct {
	ctx    context.Context
	client kubernetes.Interface
}

func runNode(t testing.TB, config *rest.Config) {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{ctx: ctx, client: client}
	factory := informers.NewSharedInformerFactory(client, resync)
	_, err = factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: n.react, UpdateFunc: func(_, o any) { n.react(o) },
	})
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
}

// react takes a pod one step further. A request that fails is made again at the next event or resync.
func (n *node) react(o any) {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	pods := n.client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.DeletionTimestamp != nil:
		none := int64(0)
		_ = pods.Delete(n.ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &none, Preconditions: &metav1.Preconditions{UID: &pod.UID}})
	case pod.Spec.NodeName == "":
		_ = pods.Bind(n.ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: "node"},
		}, metav1.CreateOptions{})
	case !n.startable(pod):
	case pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed:
		next := pod.DeepCopy()
		next.Status = statusOf(pod)
		if !equality.Semantic.DeepEqual(pod.Status, next.Status) {
			_, _ = pods.UpdateStatus(n.ctx, next, metav1.UpdateOptions{})
		}
	}
}

// startable tells whether a pod runs or could: kubelet needs a token of its service account for that. Pods that name none are not ours.
func (n *node) startable(pod *corev1.Pod) bool {
	if len(pod.Status.ContainerStatuses) > 0 || pod.Spec.ServiceAccountName == "" {
		return true
	}
	_, err := n.client.CoreV1().ServiceAccounts(pod.Namespace).Get(n.ctx, pod.Spec.ServiceAccountName, metav1.GetOptions{})
	return err == nil
}

func statusOf(pod *corev1.Pod) corev1.PodStatus {
	main := pod.Spec.Containers[0]
	if pod.Labels[naming.LabelRun] != "" {
		main.Image += Hangs // What comes of a run is the test's to say.
	}
	if pod.Labels[naming.LabelComponent] == naming.ComponentPull {
		main.Image = strings.TrimSuffix(strings.TrimSuffix(main.Image, Fails), Hangs) // Its command is crmkeep's, not the image's.
	}
	state := corev1.ContainerStatus{Name: main.Name, Image: main.Image}
	s := *pod.Status.DeepCopy()
	ready := corev1.ConditionFalse
	once := pod.Spec.RestartPolicy != corev1.RestartPolicyAlways
	switch {
	case strings.HasSuffix(main.Image, Missing):
		s.Phase, state.State.Waiting = corev1.PodPending, &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}
	case strings.HasSuffix(main.Image, Hangs):
		s.Phase, state.State.Running = corev1.PodRunning, &corev1.ContainerStateRunning{}
	case strings.HasSuffix(main.Image, Fails) && once:
		s.Phase, state.State.Terminated = corev1.PodFailed, &corev1.ContainerStateTerminated{ExitCode: 1}
	case strings.HasSuffix(main.Image, Fails):
		s.Phase, state.RestartCount, state.State.Waiting = corev1.PodRunning, 5, &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
		state.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1}
	case once:
		s.Phase, state.State.Terminated = corev1.PodSucceeded, &corev1.ContainerStateTerminated{}
	default:
		ready, state.Ready = corev1.ConditionTrue, true
		s.Phase, state.State.Running = corev1.PodRunning, &corev1.ContainerStateRunning{}
	}
	s.ContainerStatuses = []corev1.ContainerStatus{state}
	s.Conditions = []corev1.PodCondition{
		{Type: corev1.PodReady, Status: ready}, {Type: corev1.ContainersReady, Status: ready},
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodInitialized, Status: corev1.ConditionTrue},
	}
	return s
}
