package observe

import (
	"fmt"

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
	add := func(reason, format string, args ...any) {
		found = append(found, facts.PodProblem{Component: component, Reason: reason, Message: fmt.Sprintf(format, args...)})
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			add(v1alpha1.ReasonUnschedulable, "no node takes the pod of %s: %s", component, c.Message)
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, s := range statuses {
			w := s.State.Waiting
			if w == nil {
				continue
			}
			switch w.Reason {
			case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable":
				add(v1alpha1.ReasonImageUnavailable, "image %q of %s cannot be had (%s); correct it in the class, or see that the node can pull it",
					s.Image, component, w.Reason)
			case "CreateContainerError", "CreateContainerConfigError", "RunContainerError":
				add(v1alpha1.ReasonCrashing, "container %s of %s cannot be started (%s); see kubectl describe pod in the workload namespace",
					s.Name, component, w.Reason)
			case "CrashLoopBackOff":
				if s.RestartCount >= crashes {
					add(v1alpha1.ReasonCrashing, "container %s of %s fails again and again%s; see its log in the workload namespace",
						s.Name, component, exitCode(s.LastTerminationState.Terminated))
				}
			}
		}
	}
	return found
}

func exitCode(t *corev1.ContainerStateTerminated) string {
	if t == nil {
		return ""
	}
	return fmt.Sprintf(" with exit code %d", t.ExitCode)
}
