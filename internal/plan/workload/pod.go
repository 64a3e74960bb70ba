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

// tokenSeconds is how long the token lives that an agent logs in to Vault with; kubelet renews it.
const tokenSeconds = 600

var (
	agentCPU    = resource.MustParse("10m")
	agentMemory = resource.MustParse("32Mi")
	// agentLimit leaves room for the buffers of some hundred connections.
	agentLimit = resource.MustParse("128Mi")
	// filesLimit bounds what the agent can render, and what a program can put beside it.
	filesLimit = resource.MustParse("16Mi")
)

// pod is what differs from pod to pod.
type pod struct {
	target    *target.Target
	component string
	config    config.Config
	user      int64
	main      *corev1ac.ContainerApplyConfiguration
	// init runs between the agent's start and main; nil for none.
	init         *corev1ac.ContainerApplyConfiguration
	volumes      []*corev1ac.VolumeApplyConfiguration
	graceSeconds int64
	restart      corev1.RestartPolicy
}

// template builds the pod template. Its annotation changes with the agent's configuration, so pods are replaced exactly when
// what they read has changed.
func (p pod) template() *corev1ac.PodTemplateSpecApplyConfiguration {
	labels := podLabels(p.target, p.component)
	inits := []*corev1ac.ContainerApplyConfiguration{p.install(), p.agent()}
	if p.init != nil {
		inits = append(inits, p.init)
	}
	spec := corev1ac.PodSpec().
		WithServiceAccountName(p.component).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithTerminationGracePeriodSeconds(p.graceSeconds).
		WithRestartPolicy(p.restart).
		WithSecurityContext(corev1ac.PodSecurityContext().
			WithRunAsNonRoot(true).WithRunAsUser(p.user).WithRunAsGroup(p.user).WithFSGroup(p.user).
			WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithInitContainers(inits...).
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
		WithVolumeMounts(mount(volumeBin, config.BinDir, false))
}

func (p pod) agent() *corev1ac.ContainerApplyConfiguration {
	c := p.crmkeep(containerAgent, "agent", "--config", path.Join(config.Dir, config.FileName)).
		WithRestartPolicy(corev1.ContainerRestartPolicyAlways).
		WithPorts(corev1ac.ContainerPort().WithName("health").WithContainerPort(config.HealthPort).WithProtocol(corev1.ProtocolTCP)).
		// Vault may be away for as long as it likes: the agent says what it waits for and a restart would not help.
		WithStartupProbe(healthProbe("/started", 1, 86400)).
		WithVolumeMounts(
			mount(volumeConfig, config.Dir, true),
			mount(volumeToken, config.TokenDir, true),
			mount(volumeFiles, config.FilesDir, false))
	if p.config.Inbound != nil {
		c.WithPorts(corev1ac.ContainerPort().WithName("https").WithContainerPort(config.TLSPort).WithProtocol(corev1.ProtocolTCP))
	}
	if p.config.Postgres != nil {
		c.WithVolumeMounts(mount(volumeSocket, socketDir, false))
	}
	return c
}

func (p pod) crmkeep(name string, args ...string) *corev1ac.ContainerApplyConfiguration {
	return p.container(name, p.target.Settings.Images.Crmkeep).
		WithCommand("/crmkeep").WithArgs(args...).
		WithResources(resources(agentCPU, agentMemory, agentLimit))
}

// container has what Pod Security "restricted" asks for, and a read-only root.
func (p pod) container(name, image string) *corev1ac.ContainerApplyConfiguration {
	return corev1ac.Container().WithName(name).WithImage(image).
		WithImagePullPolicy(corev1.PullPolicy(p.target.Settings.Images.PullPolicy)).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).WithReadOnlyRootFilesystem(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")))
}

// application is a container that runs command in image with what the agent rendered.
func (p pod) application(image, stopSignal string, command []string) *corev1ac.ContainerApplyConfiguration {
	// As process 1 a program that sets up no handler ignores SIGTERM, and is killed half a minute later; so it never is.
	args := []string{"exec", "--stop-signal", cmp.Or(stopSignal, "SIGTERM"), "--"}
	return p.container(containerMain, image).
		WithCommand(path.Join(config.BinDir, "crmkeep")).
		WithArgs(append(args, command...)...).
		WithVolumeMounts(
			mount(volumeBin, config.BinDir, true),
			mount(volumeFiles, config.FilesDir, true),
			mount(volumeTmp, "/tmp", false))
}

func (p pod) agentVolumes() []*corev1ac.VolumeApplyConfiguration {
	return []*corev1ac.VolumeApplyConfiguration{
		scratch(volumeBin),
		scratch(volumeTmp),
		corev1ac.Volume().WithName(volumeFiles).WithEmptyDir(
			corev1ac.EmptyDirVolumeSource().WithMedium(corev1.StorageMediumMemory).WithSizeLimit(filesLimit)),
		corev1ac.Volume().WithName(volumeConfig).WithConfigMap(
			corev1ac.ConfigMapVolumeSource().WithName(naming.AgentConfig(p.component))),
		corev1ac.Volume().WithName(volumeToken).WithProjected(corev1ac.ProjectedVolumeSource().WithSources(
			corev1ac.VolumeProjection().WithServiceAccountToken(corev1ac.ServiceAccountTokenProjection().
				WithAudience(p.target.Settings.Vault.Audience).WithExpirationSeconds(tokenSeconds).WithPath("token")))),
	}
}

func scratch(name string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithEmptyDir(corev1ac.EmptyDirVolumeSource())
}

func mount(name, dir string, readOnly bool) *corev1ac.VolumeMountApplyConfiguration {
	m := corev1ac.VolumeMount().WithName(name).WithMountPath(dir)
	if readOnly {
		m.WithReadOnly(true)
	}
	return m
}

// healthProbe asks the agent, which is the only one that can reach the application.
func healthProbe(path string, periodSeconds, failures int32) *corev1ac.ProbeApplyConfiguration {
	return corev1ac.Probe().
		WithHTTPGet(corev1ac.HTTPGetAction().WithPath(path).WithPort(intstr.FromInt32(config.HealthPort)).WithScheme(corev1.URISchemeHTTP)).
		WithPeriodSeconds(periodSeconds).WithFailureThreshold(failures).WithTimeoutSeconds(5)
}

func resources(cpu, memory, limit resource.Quantity) *corev1ac.ResourceRequirementsApplyConfiguration {
	return corev1ac.ResourceRequirements().
		WithRequests(corev1.ResourceList{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory}).
		WithLimits(corev1.ResourceList{corev1.ResourceMemory: limit})
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
