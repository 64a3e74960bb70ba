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
		if p := containerProblem(component, s); p.Reason != "" {
			found = append(found, p)
		}
	}
	return found
}

// containerProblem is why a container waits, when that is no good sign; without a reason when it is none. What to do about an image is for
// those to say who know where it is declared.
func containerProblem(component string, s corev1.ContainerStatus) facts.PodProblem {
	p := facts.PodProblem{Component: component}
	w := s.State.Waiting
	if w == nil {
		return p
	}
	switch w.Reason {
	case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable":
		p.Reason, p.Image = v1alpha1.ReasonImageUnavailable, s.Image
		p.Message = fmt.Sprintf("image %q of %s cannot be had (%s)", s.Image, component, w.Reason)
	case "CreateContainerError", "CreateContainerConfigError", "RunContainerError":
		p.Reason = v1alpha1.ReasonCrashing
		p.Message = fmt.Sprintf(
			"container %s of %s cannot be started (%s); see kubectl describe pod in the workload namespace", s.Name, component, w.Reason)
	case "CrashLoopBackOff":
		if s.RestartCount >= crashes {
			p.Reason = v1alpha1.ReasonCrashing
			p.Message = fmt.Sprintf("container %s of %s fails again and again%s; see its log in the workload namespace",
				s.Name, component, exitCode(s.LastTerminationState.Terminated))
		}
	}
	return p
}

func exitCode(t *corev1.ContainerStateTerminated) string {
	if t == nil {
		return ""
	}
	return fmt.Sprintf(" with exit code %d", t.ExitCode)
}
