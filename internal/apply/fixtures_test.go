package apply_test

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/naming"
)

const (
	tenant      = "acme"
	environment = "prod"
)

var (
	acmeProd = apply.Owner{Tenant: tenant, Environment: environment}

	ownerLabels = map[string]string{
		naming.LabelManagedBy:   naming.ManagedBy,
		naming.LabelTenant:      tenant,
		naming.LabelEnvironment: environment,
	}
	policyPort = intstr.FromInt32(8443)
	webPods    = map[string]string{naming.LabelComponent: "web"}
)

// declared is an environment with one object of each kind that crmkeep writes, with the fields that it sets on them.
func declared(namespace string) []apply.Object {
	return []apply.Object{
		{Configuration: deployment(namespace)},
		{Configuration: statefulSet(namespace)},
		{Configuration: job(namespace), CreateOnly: true},
		{Configuration: cronJob(namespace)},
		{Configuration: claim(namespace)},
		{Configuration: networkPolicy(namespace)},
		{Configuration: service(namespace)},
		{Configuration: corev1ac.ServiceAccount("web", namespace).WithLabels(ownerLabels).WithAutomountServiceAccountToken(false)},
		{Configuration: configMap(namespace)},
		{Configuration: roleBinding(namespace)},
		{Configuration: resourceQuota(namespace)},
		{Configuration: limitRange(namespace)},
		{Configuration: policyv1ac.PodDisruptionBudget("web", namespace).WithLabels(ownerLabels).
			WithSpec(policyv1ac.PodDisruptionBudgetSpec().WithMinAvailable(intstr.FromInt32(1)).WithSelector(selector()))},
		{Configuration: corev1ac.Namespace(namespace).WithLabels(ownerLabels).
			WithLabels(map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})},
	}
}

func selector() *metav1ac.LabelSelectorApplyConfiguration {
	return metav1ac.LabelSelector().WithMatchLabels(webPods)
}

func container(name string) *corev1ac.ContainerApplyConfiguration {
	return corev1ac.Container().WithName(name).WithImage("crmkeep.local/"+name+":1").
		WithArgs("--config", "/etc/app/config.json").
		WithEnv(corev1ac.EnvVar().WithName("HOME").WithValue("/tmp")).
		WithPorts(corev1ac.ContainerPort().WithName("https").WithContainerPort(8443)).
		WithReadinessProbe(corev1ac.Probe().WithPeriodSeconds(5).
			WithHTTPGet(corev1ac.HTTPGetAction().WithPath("/ready").WithPort(intstr.FromInt32(8443)))).
		WithResources(corev1ac.ResourceRequirements().
			WithRequests(corev1.ResourceList{"cpu": resource.MustParse("0.1"), "memory": resource.MustParse("0.5Gi")}).
			WithLimits(corev1.ResourceList{"cpu": resource.MustParse("1000m"), "memory": resource.MustParse("1024Mi")})).
		WithSecurityContext(corev1ac.SecurityContext().WithAllowPrivilegeEscalation(false).WithReadOnlyRootFilesystem(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL"))).
		WithVolumeMounts(
			corev1ac.VolumeMount().WithName("run").WithMountPath("/run/app").WithReadOnly(false),
			corev1ac.VolumeMount().WithName("token").WithMountPath("/var/run/token").WithReadOnly(true))
}

func podTemplate() *corev1ac.PodTemplateSpecApplyConfiguration {
	return corev1ac.PodTemplateSpec().WithLabels(ownerLabels).WithLabels(webPods).WithSpec(corev1ac.PodSpec().
		WithServiceAccountName("web").WithAutomountServiceAccountToken(false).WithHostNetwork(false).
		WithSecurityContext(corev1ac.PodSecurityContext().WithRunAsNonRoot(true).WithRunAsUser(10001).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithInitContainers(container("agent").WithRestartPolicy(corev1.ContainerRestartPolicyAlways)).
		WithContainers(container("web")).
		WithVolumes(
			corev1ac.Volume().WithName("run").WithEmptyDir(corev1ac.EmptyDirVolumeSource().WithMedium(corev1.StorageMediumMemory).
				WithSizeLimit(resource.MustParse("16Mi"))),
			corev1ac.Volume().WithName("scratch").WithEmptyDir(corev1ac.EmptyDirVolumeSource()),
			corev1ac.Volume().WithName("token").WithProjected(corev1ac.ProjectedVolumeSource().WithDefaultMode(0o440).
				WithSources(corev1ac.VolumeProjection().WithServiceAccountToken(corev1ac.ServiceAccountTokenProjection().
					WithAudience("vault").WithExpirationSeconds(600).WithPath("token"))))))
}

func deployment(namespace string) *appsv1ac.DeploymentApplyConfiguration {
	return appsv1ac.Deployment("web", namespace).WithLabels(ownerLabels).WithSpec(appsv1ac.DeploymentSpec().
		WithReplicas(2).WithSelector(selector()).WithTemplate(podTemplate()))
}

func statefulSet(namespace string) *appsv1ac.StatefulSetApplyConfiguration {
	return appsv1ac.StatefulSet("database", namespace).WithLabels(ownerLabels).WithSpec(appsv1ac.StatefulSetSpec().
		WithReplicas(1).WithServiceName("database").WithSelector(selector()).WithTemplate(podTemplate()).
		WithVolumeClaimTemplates(corev1ac.PersistentVolumeClaim("data", "").WithSpec(claimSpec("8Gi"))))
}

func job(namespace string) *batchv1ac.JobApplyConfiguration {
	template := podTemplate()
	template.Spec.WithRestartPolicy(corev1.RestartPolicyNever)
	return batchv1ac.Job("migrate-1", namespace).WithLabels(ownerLabels).WithSpec(batchv1ac.JobSpec().
		WithBackoffLimit(3).WithTemplate(template))
}

func cronJob(namespace string) *batchv1ac.CronJobApplyConfiguration {
	template := podTemplate()
	template.Spec.WithRestartPolicy(corev1.RestartPolicyNever)
	return batchv1ac.CronJob("cleanup", namespace).WithLabels(ownerLabels).WithSpec(batchv1ac.CronJobSpec().
		WithSchedule("0 3 * * *").WithSuspend(false).
		WithJobTemplate(batchv1ac.JobTemplateSpec().WithSpec(batchv1ac.JobSpec().WithTemplate(template))))
}

func claimSpec(size string) *corev1ac.PersistentVolumeClaimSpecApplyConfiguration {
	return corev1ac.PersistentVolumeClaimSpec().WithAccessModes(corev1.ReadWriteOnce).
		WithResources(corev1ac.VolumeResourceRequirements().WithRequests(corev1.ResourceList{"storage": resource.MustParse(size)}))
}

func claim(namespace string) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	return corev1ac.PersistentVolumeClaim("data-files", namespace).WithLabels(ownerLabels).WithSpec(claimSpec("1024Mi"))
}

func networkPolicy(namespace string) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkingv1ac.NetworkPolicy("web", namespace).WithLabels(ownerLabels).WithSpec(networkingv1ac.NetworkPolicySpec().
		WithPodSelector(metav1ac.LabelSelector()).
		WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
		WithIngress(networkingv1ac.NetworkPolicyIngressRule().
			WithFrom(networkingv1ac.NetworkPolicyPeer().WithPodSelector(selector())).
			WithPorts(networkingv1ac.NetworkPolicyPort().WithPort(policyPort).WithProtocol(corev1.ProtocolTCP))))
}

func service(namespace string) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service("web", namespace).WithLabels(ownerLabels).WithSpec(corev1ac.ServiceSpec().
		WithSelector(webPods).
		WithPorts(corev1ac.ServicePort().WithName("https").WithPort(443).WithTargetPort(intstr.FromString("https"))))
}

func configMap(namespace string) *corev1ac.ConfigMapApplyConfiguration {
	return corev1ac.ConfigMap("agent-web", namespace).WithLabels(ownerLabels).
		WithData(map[string]string{"agent.json": `{"component":"web"}`}).
		WithBinaryData(map[string][]byte{"ca.der": {0x30, 0x82, 0x00}})
}

func roleBinding(namespace string) *rbacv1ac.RoleBindingApplyConfiguration {
	return rbacv1ac.RoleBinding("view", namespace).WithLabels(ownerLabels).
		WithRoleRef(rbacv1ac.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind("ClusterRole").WithName("view")).
		WithSubjects(rbacv1ac.Subject().WithAPIGroup(rbacv1.GroupName).WithKind(rbacv1.GroupKind).WithName("auditors"))
}

// resourceQuota limits no claims: without a controller its status stays empty, and the API server would wait for it.
func resourceQuota(namespace string) *corev1ac.ResourceQuotaApplyConfiguration {
	return corev1ac.ResourceQuota("environment", namespace).WithLabels(ownerLabels).WithSpec(corev1ac.ResourceQuotaSpec().
		WithHard(corev1.ResourceList{"requests.cpu": resource.MustParse("4000m"), "pods": resource.MustParse("20")}))
}

func limitRange(namespace string) *corev1ac.LimitRangeApplyConfiguration {
	return corev1ac.LimitRange("environment", namespace).WithLabels(ownerLabels).WithSpec(corev1ac.LimitRangeSpec().
		WithLimits(corev1ac.LimitRangeItem().WithType(corev1.LimitTypeContainer).
			WithDefault(corev1.ResourceList{"memory": resource.MustParse("256Mi")}).
			WithDefaultRequest(corev1.ResourceList{"memory": resource.MustParse("0.25Gi")})))
}
