package workload

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// Beside asks for the node of the components that have the class's volumes, which only one node may have at a time; nil when none has.
func Beside(t *target.Target) *corev1ac.AffinityApplyConfiguration {
	var holders []string
	for _, c := range t.Components {
		if len(c.VolumeMounts) > 0 {
			holders = append(holders, c.Name)
		}
	}
	if len(holders) == 0 {
		return nil
	}
	return corev1ac.Affinity().WithPodAffinity(corev1ac.PodAffinity().WithPreferredDuringSchedulingIgnoredDuringExecution(
		corev1ac.WeightedPodAffinityTerm().WithWeight(100).WithPodAffinityTerm(corev1ac.PodAffinityTerm().
			WithTopologyKey(corev1.LabelHostname).
			WithLabelSelector(metav1ac.LabelSelector().
				WithMatchLabels(map[string]string{naming.LabelTenant: t.Tenant, naming.LabelEnvironment: t.Environment}).
				WithMatchExpressions(metav1ac.LabelSelectorRequirement().
					WithKey(naming.LabelComponent).WithOperator(metav1.LabelSelectorOpIn).WithValues(holders...))))))
}
