// Package backup plans the runs of backups and restores and of the care of repositories: a Job, what it is told, and the way to its
// locations. It is pure.
package backup

import (
	"maps"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	agent "github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/podspec"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
)

// Names of volumes.
const (
	volumeConfig  = "crmkeep-config"
	volumeToken   = "crmkeep-token" //nolint:gosec // a volume, not a credential
	volumeScratch = "crmkeep-files"
	volumeTmp     = "tmp"
)

const (
	// containerMain runs crmkeep.
	containerMain = "main"
	// attempts besides the first: Vault or the network may be away under one.
	attempts int32 = 2
	// stopSeconds lets a run that is stopped end its connections and tell why.
	stopSeconds int64 = 60
)

var (
	runCPU    = resource.MustParse("100m")
	runMemory = resource.MustParse("128Mi")
	runLimit  = resource.MustParse("400Mi")
	// scratchLimit is room for a certificate and its key, and for what restic has to read from a file.
	scratchLimit = resource.MustParse("16Mi")
)

// run is what differs from run to run.
type run struct {
	target *target.Target
	// of is the value of naming.LabelRunOf.
	of string
	// name of the Job, and of the ConfigMap and the NetworkPolicy that exist for it alone.
	name string
	// component and the subcommand that is run: naming.ComponentBackup or naming.ComponentRestore.
	component      string
	serviceAccount string
	locations      []v1alpha1.CRMBackupLocation
	repository     string
	annotations    map[string]string
	config         config.Config
	// volumes tells how the class's volumes are mounted.
	volumes access
}

// access to the class's volumes.
type access int

const (
	noVolumes access = iota
	readVolumes
	writeVolumes
)

func (r run) objects() []object.Object {
	objects := []object.Object{{Configuration: r.configMap()}}
	if len(r.locations) > 0 {
		objects = append(objects, object.Object{Configuration: r.networkPolicy()})
	}
	return append(objects, object.Object{Configuration: r.job(), CreateOnly: true})
}

func (r run) labels() map[string]string {
	l := object.Labels(r.target.Tenant, r.target.Environment)
	l[naming.LabelComponent], l[naming.LabelRun], l[naming.LabelRunOf] = r.component, r.name, r.of
	return l
}

func (r run) configMap() *corev1ac.ConfigMapApplyConfiguration {
	data := map[string]string{config.FileName: encode(r.config)}
	if ca := r.target.Settings.Vault.CABundle; ca != "" {
		data[agent.VaultCAFile] = ca
	}
	return corev1ac.ConfigMap(r.name, r.target.Namespace).WithLabels(r.labels()).WithData(data)
}

// job has no ttlSecondsAfterFinished: it stays until what it told is written down.
func (r run) job() *batchv1ac.JobApplyConfiguration {
	var names []string
	for i := range r.locations {
		names = append(names, r.locations[i].Name)
	}
	annotations := map[string]string{
		naming.AnnotationLocations:  strings.Join(names, ","),
		naming.AnnotationVersion:    r.target.Current.Name,
		naming.AnnotationRepository: r.repository,
	}
	maps.Copy(annotations, r.annotations)
	return batchv1ac.Job(r.name, r.target.Namespace).
		WithLabels(r.labels()).
		WithAnnotations(annotations).
		WithSpec(batchv1ac.JobSpec().
			WithBackoffLimit(attempts).
			WithActiveDeadlineSeconds(r.target.Settings.Backups.TimeoutSeconds).
			// Two pods at once would write to one repository.
			WithPodReplacementPolicy(batchv1.Failed).
			WithPodFailurePolicy(batchv1ac.PodFailurePolicy().WithRules(batchv1ac.PodFailurePolicyRule().
				WithAction(batchv1.PodFailurePolicyActionFailJob).
				WithOnExitCodes(batchv1ac.PodFailurePolicyOnExitCodesRequirement().
					WithContainerName(containerMain).WithOperator(batchv1.PodFailurePolicyOnExitCodesOpIn).WithValues(config.ExitLasting)))).
			WithTemplate(corev1ac.PodTemplateSpec().WithLabels(r.labels()).WithSpec(r.pod())))
}

func (r run) pod() *corev1ac.PodSpecApplyConfiguration {
	main := podspec.Container(r.target.Settings.Images, containerMain, r.target.Settings.Images.Crmkeep).
		WithCommand("/crmkeep").WithArgs(r.component, "--config", config.Dir).
		WithPorts(corev1ac.ContainerPort().WithName("progress").WithContainerPort(config.ProgressPort).WithProtocol(corev1.ProtocolTCP)).
		WithResources(podspec.Resources(runCPU, runMemory, runLimit)).
		WithVolumeMounts(
			podspec.Mount(volumeConfig, config.Dir, true),
			podspec.Mount(volumeToken, config.TokenDir, true),
			podspec.Mount(volumeScratch, config.ScratchDir, false),
			podspec.Mount(volumeTmp, "/tmp", false))
	spec := podspec.Restricted(r.serviceAccount, r.target.User).
		WithTerminationGracePeriodSeconds(stopSeconds).
		WithRestartPolicy(corev1.RestartPolicyNever).
		WithVolumes(
			podspec.ConfigMap(volumeConfig, r.name),
			podspec.Token(volumeToken, r.target.Settings.Vault.Audience),
			podspec.Memory(volumeScratch, scratchLimit),
			podspec.Scratch(volumeTmp))
	if r.volumes != noVolumes {
		r.mountVolumes(spec, main)
	}
	return spec.WithContainers(main)
}

// mountVolumes of the class.
func (r run) mountVolumes(spec *corev1ac.PodSpecApplyConfiguration, main *corev1ac.ContainerApplyConfiguration) {
	for _, v := range r.target.Volumes {
		claim := naming.Volume(v.Name)
		spec.WithVolumes(podspec.Claim(claim, claim))
		main.WithVolumeMounts(podspec.Mount(claim, config.VolumesDir+"/"+v.Name, r.volumes == readVolumes))
	}
	if beside := workload.Beside(r.target); beside != nil {
		spec.WithAffinity(beside)
	}
}

// encode writes a configuration. It is made of plain values, so this cannot fail.
func encode(c config.Config) string {
	out, err := yaml.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(out)
}
