package workload

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// support is what every component has: an identity and its agent's configuration.
func support(t *target.Target, component string, c config.Config) []object.Object {
	data := map[string]string{config.FileName: encode(c)}
	if ca := t.Settings.Vault.CABundle; ca != "" {
		data[config.VaultCAFile] = ca
	}
	return []object.Object{
		{Configuration: serviceAccount(t, component, component)},
		{Configuration: corev1ac.ConfigMap(naming.AgentConfig(component), t.Namespace).
			WithLabels(objectLabels(t, component)).WithData(data)},
	}
}

func service(t *target.Target, component, port string, number, targetPort int32) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(component, t.Namespace).
		WithLabels(objectLabels(t, component)).
		WithSpec(corev1ac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(selector(t, component)).
			WithPorts(corev1ac.ServicePort().WithName(port).WithPort(number).
				WithTargetPort(intstr.FromInt32(targetPort)).WithProtocol(corev1.ProtocolTCP)))
}

// disruptionBudget lets a drain take one pod at a time.
func disruptionBudget(t *target.Target, component string) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(component, t.Namespace).
		WithLabels(objectLabels(t, component)).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(selector(t, component))))
}

// volumeClaim carries no owner reference: it leads to data, and only a teardown that was asked for may delete it.
func volumeClaim(t *target.Target, name string, mode corev1.PersistentVolumeAccessMode, size resource.Quantity) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	spec := corev1ac.PersistentVolumeClaimSpec().WithAccessModes(mode).WithResources(
		corev1ac.VolumeResourceRequirements().WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))
	if class := t.Settings.StorageClass; class != "" {
		spec.WithStorageClassName(class)
	}
	return corev1ac.PersistentVolumeClaim(name, t.Namespace).
		WithLabels(object.Labels(t.Tenant, t.Environment)).WithSpec(spec)
}
