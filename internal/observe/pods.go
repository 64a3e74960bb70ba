package observe

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// crashes from which on a container counts as failing again and again; a single restart may be a race at the start.
const crashes = 3

// problems are what keeps a pod's containers from running. Messages hold no output of a container: it may be the tenant's data.
func problems(p *corev1.Pod) []facts.PodProblem {
	if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded {
		return nil
	}
	component := p.Labels[naming.LabelComponent]
	var found []facts.PodProblem
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			found = append(found, facts.PodProblem{Component: component, Reason: v1alpha1.ReasonUnschedulable,
				Message: fmt.Sprintf("no node takes the pod of %s: %s", component, c.Message)})
		}
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if reason, message := containerProblem(component, s); reason != "" {
			found = append(found, facts.PodProblem{Component: component, Reason: reason, Message: message})
		}
	}
	return found
}

// containerProblem is why a container waits, when that is no good sign.
func containerProblem(component string, s corev1.ContainerStatus) (reason, message string) {
	w := s.State.Waiting
	if w == nil {
		return "", ""
	}
	switch w.Reason {
	case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable":
		return v1alpha1.ReasonImageUnavailable, fmt.Sprintf(
			"image %q of %s cannot be had (%s); correct it in the class, or see that the node can pull it", s.Image, component, w.Reason)
	case "CreateContainerError", "CreateContainerConfigError", "RunContainerError":
		return v1alpha1.ReasonCrashing, fmt.Sprintf(
			"container %s of %s cannot be started (%s); see kubectl describe pod in the workload namespace", s.Name, component, w.Reason)
	case "CrashLoopBackOff":
		if s.RestartCount >= crashes {
			return v1alpha1.ReasonCrashing, fmt.Sprintf("container %s of %s fails again and again%s; see its log in the workload namespace",
				s.Name, component, exitCode(s.LastTerminationState.Terminated))
		}
	}
	return "", ""
}

func exitCode(t *corev1.ContainerStateTerminated) string {
	if t == nil {
		return ""
	}
	return fmt.Sprintf(" with exit code %d", t.ExitCode)
}
