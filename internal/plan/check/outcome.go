package check

import (
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
)

// Result of the checks.
type Result struct {
	// Ended tells whether the Job is over, and Passed whether every check has passed.
	Ended, Passed bool
	// Checks that have ended, in order, by the class's names, and how long each took.
	Checks []v1alpha1.RecoveryStage
	// Failed names the check that failed; empty when none did, and when the Job failed for another reason.
	Failed string
	// Message says why the checks have not passed. It holds no output of the product, which may be the tenant's data.
	Message string
}

// Outcome reads what came of the checks. The pod is the Job's, nil when there is none (any more).
func Outcome(job *batchv1.Job, pod *corev1.Pod) Result {
	var r Result
	var why string
	for _, c := range job.Status.Conditions {
		if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			r.Ended, r.Passed, why = true, c.Type == batchv1.JobComplete, c.Message
		}
	}
	if pod != nil {
		r.read(pod)
	}
	if r.Ended && !r.Passed && r.Failed == "" {
		r.Message = "the checks did not come to an end: " + why
	}
	return r
}

func (r *Result) read(pod *corev1.Pod) {
	containers := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		name, ok := strings.CutPrefix(s.Name, workload.CheckContainer(""))
		end := s.State.Terminated
		if !ok || end == nil {
			continue
		}
		r.Checks = append(r.Checks, v1alpha1.RecoveryStage{
			Name: name, Milliseconds: max(0, end.FinishedAt.Sub(end.StartedAt.Time).Milliseconds()),
		})
		if end.ExitCode != 0 && r.Failed == "" {
			r.Failed, r.Message = name, failure(name, end, containers, s.Name)
		}
	}
}

// maxMessage of a request, in bytes.
const maxMessage = 300

func failure(check string, end *corev1.ContainerStateTerminated, containers []corev1.Container, container string) string {
	why := fmt.Sprintf("check %s failed with exit code %d", check, end.ExitCode)
	if end.Reason == "OOMKilled" {
		return why + ": its memory did not suffice"
	}
	i := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == container })
	if i < 0 || !workload.IsRequest(containers[i]) || end.Message == "" {
		return why
	}
	return why + ": " + strings.ToValidUTF8(strings.TrimSpace(end.Message[:min(len(end.Message), maxMessage)]), "")
}
