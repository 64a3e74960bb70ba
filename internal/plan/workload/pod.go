package workload

import (
	"cmp"
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/podspec"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// Names of containers.
const (
	containerInstall = "install"
	containerAgent   = "agent"
	containerInit    = "init"
	// containerMain runs the product, the database or the migration.
	containerMain = "main"
)

// Names of volumes.
const (
	volumeBin    = "crmkeep-bin"
	volumeConfig = "crmkeep-config"
	volumeToken  = "crmkeep-token" //nolint:gosec // a volume, not a credential
	volumeFiles  = "crmkeep-files"
	volumeTmp    = "tmp"
)

var (
	agentCPU    = resource.MustParse("10m")
	agentMemory = resource.MustParse("32Mi")
	// agentLimit leaves room for the buffers of some hundred connections.
	agentLimit = resource.MustParse("128Mi")
	// filesLimit bounds what the agent can render, and what a program can put beside it.
	filesLimit = resource.MustParse("16Mi")
)

// crmkeepProgram is where crmkeep is in its own image.
const crmkeepProgram = "/crmkeep"

// pod is what differs from pod to pod.
type pod struct {
	target    *target.Target
	component string
	config    config.Config
	user      int64
	main      *corev1ac.ContainerApplyConfiguration
	// inits run one after the other between the agent's start and main.
	inits        []*corev1ac.ContainerApplyConfiguration
	volumes      []*corev1ac.VolumeApplyConfiguration
	graceSeconds int64
	restart      corev1.RestartPolicy
}

// template builds the pod template. Its annotation changes with the agent's configuration, so pods are replaced exactly when
// what they read has changed.
func (p pod) template() *corev1ac.PodTemplateSpecApplyConfiguration {
	labels := podLabels(p.target, p.component)
	spec := podspec.Restricted(p.component, p.user).
		WithTerminationGracePeriodSeconds(p.graceSeconds).
		WithRestartPolicy(p.restart).
		WithInitContainers(p.install(), p.agent()).
		WithInitContainers(p.inits...).
		WithContainers(p.main).
		WithVolumes(p.agentVolumes()...).
		WithVolumes(p.volumes...)
	return corev1ac.PodTemplateSpec().
		WithLabels(labels).
		WithAnnotations(map[string]string{naming.AnnotationConfigHash: naming.Hash(encode(p.config))}).
		WithSpec(spec)
}

// install puts this program where images find it that do not have it.
func (p pod) install() *corev1ac.ContainerApplyConfiguration {
	return p.crmkeep(containerInstall, "install", config.BinDir).
		WithVolumeMounts(podspec.Mount(volumeBin, config.BinDir, false))
}

func (p pod) agent() *corev1ac.ContainerApplyConfiguration {
	c := p.crmkeep(containerAgent, "agent", "--config", path.Join(config.Dir, config.FileName)).
		WithRestartPolicy(corev1.ContainerRestartPolicyAlways).
		WithPorts(corev1ac.ContainerPort().WithName("health").WithContainerPort(config.HealthPort).WithProtocol(corev1.ProtocolTCP)).
		// Vault may be away for as long as it likes: the agent says what it waits for and a restart would not help.
		WithStartupProbe(healthProbe("/started", 1, 86400)).
		WithVolumeMounts(
			podspec.Mount(volumeConfig, config.Dir, true),
			podspec.Mount(volumeToken, config.TokenDir, true),
			podspec.Mount(volumeFiles, config.FilesDir, false))
	if p.config.Inbound != nil {
		c.WithPorts(corev1ac.ContainerPort().WithName("https").WithContainerPort(config.TLSPort).WithProtocol(corev1.ProtocolTCP))
	}
	if p.config.Postgres != nil {
		c.WithVolumeMounts(podspec.Mount(volumeSocket, socketDir, false))
	}
	return c
}

func (p pod) crmkeep(name string, args ...string) *corev1ac.ContainerApplyConfiguration {
	return podspec.Container(p.target.Settings.Images, name, p.target.Settings.Images.Crmkeep).
		WithCommand(crmkeepProgram).WithArgs(args...).
		WithResources(podspec.Resources(agentCPU, agentMemory, agentLimit))
}

// application is a container that runs command in image with what the agent rendered. The command keeps its process id in pidFiles.
func (p pod) application(image, stopSignal string, command []string, pidFiles ...string) *corev1ac.ContainerApplyConfiguration {
	// As process 1 a program that sets up no handler ignores SIGTERM, and is killed half a minute later; so it never is.
	args := []string{"exec", "--stop-signal", cmp.Or(stopSignal, "SIGTERM")}
	for _, file := range pidFiles {
		args = append(args, "--pid-file", file)
	}
	args = append(args, "--")
	return podspec.Container(p.target.Settings.Images, containerMain, image).
		WithCommand(path.Join(config.BinDir, "crmkeep")).
		WithArgs(append(args, command...)...).
		WithVolumeMounts(
			podspec.Mount(volumeBin, config.BinDir, true),
			podspec.Mount(volumeFiles, config.FilesDir, true),
			podspec.Mount(volumeTmp, "/tmp", false))
}

func (p pod) agentVolumes() []*corev1ac.VolumeApplyConfiguration {
	return []*corev1ac.VolumeApplyConfiguration{
		podspec.Scratch(volumeBin),
		podspec.Scratch(volumeTmp),
		podspec.Memory(volumeFiles, filesLimit),
		podspec.ConfigMap(volumeConfig, naming.AgentConfig(p.component)),
		podspec.Token(volumeToken, p.target.Settings.Vault.Audience),
	}
}

// healthProbe asks the agent, which is the only one that can reach the application.
func healthProbe(path string, periodSeconds, failures int32) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromInt32(config.HealthPort)).WithScheme(corev1.URISchemeHTTP)).
		WithPeriodSeconds(periodSeconds).WithFailureThreshold(failures).WithTimeoutSeconds(5)
}

func objectLabels(t *target.Target, component string) map[string]string {
	l := object.Labels(t.Tenant, t.Environment)
	l[naming.LabelComponent] = component
	return l
}

// podLabels are what policies and Services select by, and what the manager's cache of pods is limited to.
func podLabels(t *target.Target, component string) map[string]string {
	return objectLabels(t, component)
}

func selector(t *target.Target, component string) map[string]string {
	return map[string]string{
		naming.LabelTenant: t.Tenant, naming.LabelEnvironment: t.Environment, naming.LabelComponent: component,
	}
}
