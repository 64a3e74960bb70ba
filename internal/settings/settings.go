// Package settings is the installation's configuration, read once from a file at start. It is pure but for Load.
package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"

	"sigs.k8s.io/yaml"
)

// Settings of an installation. Zero values mean the default that the field names.
type Settings struct {
	Vault    Vault    `json:"vault"`
	Images   Images   `json:"images"`
	Network  Network  `json:"network"`
	Exposure Exposure `json:"exposure,omitempty"`
	// StorageClass of every volume. Default: the cluster's default class.
	StorageClass string `json:"storageClass,omitempty"`
	// CertificateTTLSeconds is how long a certificate lives. Default: 14400.
	CertificateTTLSeconds int64 `json:"certificateTTLSeconds,omitempty"`
	// KeyRotationDays is how often an environment's key gets a new version. Default: 30.
	KeyRotationDays int32   `json:"keyRotationDays,omitempty"`
	Backups         Backups `json:"backups,omitempty"`
}

// Backups bounds the runs of backups, of restores and of the care of repositories.
type Backups struct {
	// Concurrency is how many backups run at once in all. Default: 8.
	Concurrency int32 `json:"concurrency,omitempty"`
	// ConcurrencyPerLocation is how many of them write to one location. Default: 4.
	ConcurrencyPerLocation int32 `json:"concurrencyPerLocation,omitempty"`
	// TimeoutSeconds ends a run that takes longer. Default: 21600.
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
}

// Vault is how the manager and the agents reach Vault.
type Vault struct {
	// Address, an https URL that holds inside the cluster.
	Address string `json:"address"`
	// CABundle that Vault's certificate must chain to, PEM. Empty: the system's roots.
	CABundle string `json:"caBundle,omitempty"`
	// Prefix of the mounts, roles and policies. Default: crmkeep.
	Prefix string `json:"prefix,omitempty"`
	// AuthMount of the Kubernetes auth method. Default: kubernetes.
	AuthMount string `json:"authMount,omitempty"`
	// Audience of the tokens that pods log in with. Default: vault.
	Audience string `json:"audience,omitempty"`
	// Role that the manager logs in as. Default: crmkeep-operator.
	Role string `json:"role,omitempty"`
}

// Images that crmkeep itself brings. A class names its own.
type Images struct {
	Crmkeep  string `json:"crmkeep"`
	Postgres string `json:"postgres"`
	// PullPolicy of every image. Default: IfNotPresent.
	PullPolicy string `json:"pullPolicy,omitempty"`
}

// Network says where the few things are that every environment must reach or be reached from.
type Network struct {
	// DNS are the cluster's name servers.
	DNS Peer `json:"dns"`
	// Vault is where the agents find it.
	Vault Peer `json:"vault"`
	// Ingress is where people's requests come from. Unset: nobody outside the namespace gets in.
	Ingress *Peer `json:"ingress,omitempty"`
	// OperatorNamespace is where the manager runs. Default: crmkeep-system.
	OperatorNamespace string `json:"operatorNamespace,omitempty"`
}

// Peer is one end of an allowed connection: pods in a namespace, or a range of addresses.
type Peer struct {
	Namespace string            `json:"namespace,omitempty"`
	PodLabels map[string]string `json:"podLabels,omitempty"`
	CIDR      string            `json:"cidr,omitempty"`
	// Port that the pods listen on, after any Service. Default: 53 for DNS and 8200 for Vault; unused for ingress.
	Port int32 `json:"port,omitempty"`
}

// Exposure says how people reach environments that have a host name.
type Exposure struct {
	// Ingress makes an Ingress of this class for each, when the cluster knows the kind.
	Ingress *IngressExposure `json:"ingress,omitempty"`
	// Gateway makes an HTTPRoute for each, when the cluster knows the kind.
	Gateway *GatewayExposure `json:"gateway,omitempty"`
}

// IngressExposure is for clusters with an ingress controller.
type IngressExposure struct {
	ClassName string `json:"className"`
	// Annotations tell the controller to speak TLS to the application.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// GatewayExposure is for clusters with the Gateway API.
type GatewayExposure struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// Load reads, completes and checks a file. Unknown fields are errors.
func Load(path string) (Settings, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the administrator names the file
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	var s Settings
	if err := yaml.UnmarshalStrict(raw, &s); err != nil {
		return Settings{}, fmt.Errorf("settings %s: %w", path, err)
	}
	s = s.WithDefaults()
	if err := s.Validate(); err != nil {
		return Settings{}, fmt.Errorf("settings %s: %w", path, err)
	}
	return s, nil
}

// WithDefaults fills in what is unset.
func (s Settings) WithDefaults() Settings {
	def(&s.Vault.Prefix, "crmkeep")
	def(&s.Vault.AuthMount, "kubernetes")
	def(&s.Vault.Audience, "vault")
	def(&s.Vault.Role, "crmkeep-operator")
	def(&s.Images.PullPolicy, "IfNotPresent")
	def(&s.Network.OperatorNamespace, "crmkeep-system")
	def(&s.Network.DNS.Port, 53)
	def(&s.Network.Vault.Port, 8200)
	def(&s.CertificateTTLSeconds, 4*60*60)
	def(&s.KeyRotationDays, 30)
	def(&s.Backups.Concurrency, 8)
	def(&s.Backups.ConcurrencyPerLocation, 4)
	def(&s.Backups.TimeoutSeconds, 6*60*60)
	return s
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate says everything that is wrong.
func (s Settings) Validate() error {
	var errs []error
	if u, err := url.Parse(s.Vault.Address); err != nil || u.Scheme != "https" || u.Host == "" {
		errs = append(errs, fmt.Errorf("vault.address: %q must be an https URL: keys never cross the network in the clear", s.Vault.Address))
	}
	for name, image := range map[string]string{"crmkeep": s.Images.Crmkeep, "postgres": s.Images.Postgres} {
		if image == "" {
			errs = append(errs, fmt.Errorf("images.%s: must name an image", name))
		}
	}
	if b := s.Backups; b.Concurrency < 1 || b.ConcurrencyPerLocation < 1 || b.TimeoutSeconds < 1 {
		errs = append(errs, errors.New("backups: every number must be at least 1"))
	}
	errs = append(errs, s.Network.DNS.validate("network.dns"), s.Network.Vault.validate("network.vault"))
	if s.Network.Ingress != nil {
		errs = append(errs, s.Network.Ingress.validate("network.ingress"))
	}
	return errors.Join(errs...)
}

func (p Peer) validate(field string) error {
	if (p.Namespace == "") == (p.CIDR == "") {
		return fmt.Errorf("%s: set exactly one of namespace and cidr", field)
	}
	if p.CIDR != "" {
		if _, err := netip.ParsePrefix(p.CIDR); err != nil {
			return fmt.Errorf("%s.cidr: %w", field, err)
		}
	}
	return nil
}
