package workload

import (
	"math"
	"path"

	corev1 "k8s.io/api/core/v1"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/podspec"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// PullJob is the name of the Job that shows that the wanted version's image can be started. It changes with the image, so a mended class is
// tried again by itself.
func PullJob(t *target.Target) string { return naming.PullJob(t.Version.Image) }

// pullJob starts the image with this program, which is in no image but its own and ends at once. It has no agent, no volume with data and no
// token. It is never given up: kubelet tries an image again every five minutes at most, and one that is pushed late is as good.
func pullJob(t *target.Target) *batchv1ac.JobApplyConfiguration {
	main := podspec.Container(t.Settings.Images, containerMain, t.Version.Image).
		WithCommand(path.Join(config.BinDir, "crmkeep")).WithArgs("help").
		WithResources(podspec.Resources(agentCPU, agentMemory, agentLimit)).
		WithVolumeMounts(podspec.Mount(volumeBin, config.BinDir, true))
	// As the migration's account: what it may pull, the migration may.
	spec := podspec.Restricted(naming.ComponentMigrate, t.User).
		WithRestartPolicy(corev1.RestartPolicyOnFailure).
		WithInitContainers(pod{target: t}.install()).
		WithContainers(main).
		WithVolumes(podspec.Scratch(volumeBin))
	if beside := Beside(t); beside != nil {
		spec.WithAffinity(beside)
	}
	return batchv1ac.Job(PullJob(t), t.Namespace).
		WithLabels(objectLabels(t, naming.ComponentPull)).
		WithSpec(batchv1ac.JobSpec().
			WithBackoffLimit(math.MaxInt32).
			WithTemplate(corev1ac.PodTemplateSpec().
				WithLabels(podLabels(t, naming.ComponentPull)).
				WithSpec(spec)))
}
