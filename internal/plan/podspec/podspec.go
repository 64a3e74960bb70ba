// Package podspec holds what all planned pods have in common: Pod Security "restricted", a read-only root, no token of the API server,
// and one for Vault. It is pure.
package podspec

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/internal/settings"
)

// tokenSeconds is how long the token lives that a pod logs in to Vault with; kubelet renews it.
const tokenSeconds = 600

// Restricted is a pod of a ServiceAccount whose containers run as user.
func Restricted(serviceAccount string, user int64) *corev1ac.PodSpecApplyConfiguration {
	return corev1ac.PodSpec().
		WithServiceAccountName(serviceAccount).
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false).
		WithSecurityContext(corev1ac.PodSecurityContext().
			WithRunAsNonRoot(true).WithRunAsUser(user).WithRunAsGroup(user).WithFSGroup(user).
			WithFSGroupChangePolicy(corev1.FSGroupChangeOnRootMismatch).
			WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault)))
}

// Container has what Pod Security "restricted" asks for, and a read-only root.
func Container(images settings.Images, name, image string) *corev1ac.ContainerApplyConfiguration {
	return corev1ac.Container().WithName(name).WithImage(image).
		WithImagePullPolicy(corev1.PullPolicy(images.PullPolicy)).
		WithSecurityContext(corev1ac.SecurityContext().
			WithAllowPrivilegeEscalation(false).WithReadOnlyRootFilesystem(true).
			WithCapabilities(corev1ac.Capabilities().WithDrop("ALL")))
}

// Resources asks for CPU and memory and bounds the memory.
func Resources(cpu, memory, limit resource.Quantity) *corev1ac.ResourceRequirementsApplyConfiguration {
	return corev1ac.ResourceRequirements().
		WithRequests(corev1.ResourceList{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory}).
		WithLimits(corev1.ResourceList{corev1.ResourceMemory: limit})
}

// Mount of a volume.
func Mount(name, dir string, readOnly bool) *corev1ac.VolumeMountApplyConfiguration {
	m := corev1ac.VolumeMount().WithName(name).WithMountPath(dir)
	if readOnly {
		m.WithReadOnly(true)
	}
	return m
}

// Scratch is a volume that ends with the pod.
func Scratch(name string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithEmptyDir(corev1ac.EmptyDirVolumeSource())
}

// Memory is a volume for what must never be on a disk.
func Memory(name string, limit resource.Quantity) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithEmptyDir(
		corev1ac.EmptyDirVolumeSource().WithMedium(corev1.StorageMediumMemory).WithSizeLimit(limit))
}

// ConfigMap is a volume with its keys as files.
func ConfigMap(name, configMap string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(configMap))
}

// Claim is a volume of a claim.
func Claim(name, claim string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithPersistentVolumeClaim(
		corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(claim))
}

// Token is a volume with the token, in the file "token", that the pod logs in to Vault with.
func Token(name, audience string) *corev1ac.VolumeApplyConfiguration {
	return corev1ac.Volume().WithName(name).WithProjected(corev1ac.ProjectedVolumeSource().WithSources(
		corev1ac.VolumeProjection().WithServiceAccountToken(corev1ac.ServiceAccountTokenProjection().
			WithAudience(audience).WithExpirationSeconds(tokenSeconds).WithPath("token"))))
}
