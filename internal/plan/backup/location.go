package backup

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// httpsPort is where an endpoint listens that names no port.
const httpsPort = 443

// virtualHost is the addressing that puts the bucket into the host name.
const virtualHost = "VirtualHost"

// Repository is where in every location the environment's repository is, below the location's prefix. The birth of its key tells it
// from what an earlier environment of the name has left, whose key was destroyed.
func Repository(namespace string, keyCreated time.Time) string {
	return path.Join(namespace, strconv.FormatInt(keyCreated.Unix(), 10))
}

func locations(t *target.Target, repository string, list []v1alpha1.CRMBackupLocation) []config.Location {
	out := make([]config.Location, len(list))
	for i := range list {
		out[i] = Location(t.Vault, &list[i], repository)
	}
	return out
}

// Location is what a run is told of a location, of which it uses the folder below the location's prefix.
func Location(v layout.Settings, l *v1alpha1.CRMBackupLocation, folder string) config.Location {
	return config.Location{
		Name:            l.Name,
		Endpoint:        strings.TrimSuffix(l.Spec.Endpoint, "/"),
		CABundle:        l.Spec.CABundle,
		Region:          string(l.Spec.Region),
		Bucket:          l.Spec.Bucket,
		Prefix:          path.Join(l.Spec.Prefix, folder),
		VirtualHost:     l.Spec.Addressing == virtualHost,
		CredentialsPath: v.KVDataPath(string(l.Spec.CredentialsPath)),
	}
}

// networkPolicy lets the run's pod reach its locations. Its ways to Vault, to the name servers and to the database, and the manager's to
// it, are the environment's own.
func (r run) networkPolicy() *networkingv1ac.NetworkPolicyApplyConfiguration {
	spec := networkingv1ac.NetworkPolicySpec().
		WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(map[string]string{naming.LabelRun: r.name})).
		WithPolicyTypes(networkingv1.PolicyTypeEgress)
	for i := range r.locations {
		spec.WithEgress(networkingv1ac.NetworkPolicyEgressRule().
			WithTo(networkingv1ac.NetworkPolicyPeer().WithIPBlock(networkingv1ac.IPBlock().WithCIDR(r.locations[i].Spec.CIDR))).
			WithPorts(networkingv1ac.NetworkPolicyPort().WithProtocol(corev1.ProtocolTCP).
				WithPort(intstr.FromInt32(endpointPort(r.locations[i].Spec.Endpoint)))))
	}
	return networkingv1ac.NetworkPolicy(r.name, r.target.Namespace).WithLabels(r.labels()).WithSpec(spec)
}

// endpointPort of a URL that the API server has checked.
func endpointPort(endpoint string) int32 {
	u, err := url.Parse(endpoint)
	if err != nil {
		return httpsPort
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		return httpsPort
	}
	return int32(port)
}
