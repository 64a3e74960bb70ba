package apply

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// phase orders the writes of one Apply. The next phase starts only when every object of the one before is as declared.
type phase int

const (
	// phaseNamespaces comes first: the API server refuses everything else until the namespace exists.
	phaseNamespaces phase = iota
	// phaseConfinement holds what must be in force before a pod runs: network policies, quotas, roles, configuration.
	phaseConfinement
	// phaseWorkloads holds what makes pods run, and the claims they use, which a fresh quota would hold up if they came sooner.
	phaseWorkloads
	phaseCount
)

const cloudNativePGGroup = "postgresql.cnpg.io"

func phaseOf(kind schema.GroupKind) phase {
	switch kind.Group {
	case corev1.GroupName:
		switch kind.Kind {
		case "Namespace":
			return phaseNamespaces
		case "Pod", "PersistentVolumeClaim":
			return phaseWorkloads
		}
	case appsv1.GroupName, batchv1.GroupName, cloudNativePGGroup:
		return phaseWorkloads
	}
	return phaseConfinement
}
