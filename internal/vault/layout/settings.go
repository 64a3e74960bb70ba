package layout

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// Settings are the installation's. They are the same for the operator, `crmkeep plan` and `crmkeep vault bootstrap`.
type Settings struct {
	// Prefix of every mount, policy and role. Clusters that share a Vault need one each. Default "crmkeep".
	Prefix string
	// AuthMount is the mount of the Kubernetes auth method for this cluster. Default "kubernetes".
	AuthMount string
	// Audience that ServiceAccount tokens must be made for. Default "vault".
	Audience string
	// CertificateTTL is how long a component's certificate lives. Default 4 hours, at least 5 minutes and at most a day.
	CertificateTTL time.Duration
	// KeyRotationPeriod is how often the encryption key gets a new version. Default 30 days, at least one hour.
	KeyRotationPeriod time.Duration
	// TokenTTL is how long a component's Vault token lives. Default 20 minutes.
	TokenTTL time.Duration
}

// Default settings.
func Default() Settings {
	return Settings{
		Prefix:            "crmkeep",
		AuthMount:         "kubernetes",
		Audience:          "vault",
		CertificateTTL:    4 * time.Hour,
		KeyRotationPeriod: 30 * 24 * time.Hour,
		TokenTTL:          20 * time.Minute,
	}
}

var (
	validPrefix   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)
	validAudience = regexp.MustCompile(`^[a-zA-Z0-9:/._-]+$`)
	validMount    = regexp.MustCompile(`^[a-zA-Z0-9_-]+(/[a-zA-Z0-9_-]+)*$`)
)

// Validate refuses what Vault or the policies could not take.
func (s Settings) Validate() error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(validPrefix.MatchString(s.Prefix), "prefix %q: must be lower case letters, digits and dashes, at most 31, a letter first", s.Prefix)
	check(validMount.MatchString(s.AuthMount), "auth mount %q: must be a path of letters, digits, dashes and underscores", s.AuthMount)
	// Without an audience, a token that was made for the API server could log in.
	check(validAudience.MatchString(s.Audience), "audience %q: must be letters, digits and any of :/._-", s.Audience)
	check(s.CertificateTTL >= 5*time.Minute && s.CertificateTTL <= 24*time.Hour, "certificate lifetime %s: must be from 5m to 24h", s.CertificateTTL)
	check(s.KeyRotationPeriod >= time.Hour, "key rotation period %s: must be at least 1h", s.KeyRotationPeriod)
	check(s.TokenTTL >= time.Minute && s.TokenTTL <= 24*time.Hour, "token lifetime %s: must be from 1m to 24h", s.TokenTTL)
	return errors.Join(problems...)
}

// Mounts of the engines.

// TransitMount holds the keys.
func (s Settings) TransitMount() string { return s.Prefix + "-transit" }

// PKIMount holds the intermediate CA that signs components' certificates.
func (s Settings) PKIMount() string { return s.Prefix + "-pki" }

// PKIRootMount holds the root CA, unless the user has one elsewhere.
func (s Settings) PKIRootMount() string { return s.Prefix + "-pki-root" }

// KVMount holds wrapped keys, accounts in CRMs and the credentials of backup locations, kv version 2.
func (s Settings) KVMount() string { return s.Prefix + "-kv" }

// Names.

// OperatorRole is the operator's auth role, and the name of its policy.
func (s Settings) OperatorRole() string { return s.Prefix + "-operator" }

// PolicyName is the policy of a grant.
func (s Settings) PolicyName(grant Grant) string { return s.Prefix + "-component-" + string(grant) }

// AuthRoleName is the auth role of a component. The auth mount may have other users, so the name carries the prefix; the dot
// after it keeps the operator's own role out of what the operator may write.
func (s Settings) AuthRoleName(namespace, serviceAccount string) string {
	return s.AuthRolePrefix() + PKIRoleName(namespace, serviceAccount)
}

// AuthRolePrefix starts the names of all components' auth roles.
func (s Settings) AuthRolePrefix() string { return s.Prefix + "." }

// PKIRoleName is the PKI role of a component. A namespace's name contains no dot, so no two pairs share one.
func PKIRoleName(namespace, serviceAccount string) string { return namespace + "." + serviceAccount }

// EncryptionKeyName is the encryption key of the environment in a workload namespace.
func EncryptionKeyName(namespace string) string { return namespace }

// EvidenceKeyName is its evidence key.
func EvidenceKeyName(namespace string) string { return namespace + ".evidence" }

// DataKeyPath is the place of its data key in the kv engine.
func DataKeyPath(namespace string) string { return namespace + "/data-key" }

// AdminPath is the place of its first administrator in the kv engine.
func AdminPath(namespace string) string { return namespace + "/admin" }

// AdapterPath is the place of the account that crmkeep itself works as in its CRM.
func AdapterPath(namespace string) string { return namespace + "/adapter" }

// InvitationsPath is the folder of the first passwords of its people.
func InvitationsPath(namespace string) string { return namespace + "/invitations" }

// InvitationPath is the place of one person's.
func InvitationPath(namespace, login string) string {
	return InvitationsPath(namespace) + "/" + naming.Invitation(login)
}

// LocationsPath is the folder in the kv engine of the credentials of backup locations, one secret for each with the fields
// "accessKeyID" and "secretAccessKey". A workload namespace cannot have that name.
const LocationsPath = "locations"

// Paths of Vault's API, without "/v1/" before them.

// KVDataPath reads and writes a secret of the kv engine.
func (s Settings) KVDataPath(path string) string { return s.KVMount() + "/data/" + path }

// KVMetadataPath is for a secret's versions; deleting it destroys them all.
func (s Settings) KVMetadataPath(path string) string { return s.KVMount() + "/metadata/" + path }

// SignPath signs a certificate.
func (s Settings) SignPath(pkiRole string) string { return s.PKIMount() + "/sign/" + pkiRole }

// DecryptPath unwraps with a transit key.
func (s Settings) DecryptPath(key string) string { return s.TransitMount() + "/decrypt/" + key }

// TransitPath is a path below the transit engine.
func (s Settings) TransitPath(verb, key string) string {
	return s.TransitMount() + "/" + verb + "/" + key
}

// PKIRolesPath lists the PKI roles of all environments.
func (s Settings) PKIRolesPath() string { return s.PKIMount() + "/roles" }

// PKIRolePath is for one PKI role.
func (s Settings) PKIRolePath(name string) string { return s.PKIMount() + "/roles/" + name }

// AuthRolePath is for an auth role.
func (s Settings) AuthRolePath(name string) string { return "auth/" + s.AuthMount + "/role/" + name }

// LoginPath logs in.
func (s Settings) LoginPath() string { return "auth/" + s.AuthMount + "/login" }
