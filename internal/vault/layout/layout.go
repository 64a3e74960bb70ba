// Package layout describes what one environment has in Vault, as plain values: they can be compared, printed and tested without
// a Vault. It takes no client, no context and no clock.
//
// Everything is named after the environment's workload namespace and its ServiceAccounts, because these are what Kubernetes
// proves about a pod and hence what Vault can fill into a policy by itself. So policies are written once, when Vault is prepared
// (package bootstrap), and the operator has no right to write any: who takes over the operator still gets no way into the rest of
// a company's Vault.
package layout

// Layout is what one environment has in Vault. The values' JSON names are those of Vault's API.
type Layout struct {
	// EncryptionKey wraps the data key and the backup keys. It never leaves Vault, and a shred destroys it.
	EncryptionKey TransitKey `json:"encryptionKey"`
	// EvidenceKey signs what must be believed later. A shred keeps it, for the certificate of destruction.
	EvidenceKey TransitKey `json:"evidenceKey"`
	// DataKey is the application's wrapped data key.
	DataKey DataKey `json:"dataKey"`
	// Admin is the path in the kv engine of the CRM's first administrator, which the migration Job writes and a shred destroys.
	Admin string `json:"admin"`
	// Adapter is the path of the account that crmkeep itself works as in the CRM, which the migration Job writes, the operator reads, and a shred
	// destroys.
	Adapter string `json:"adapter"`
	// Invitations is the folder of people's first passwords, which the operator writes and cannot read, and a shred destroys.
	Invitations string `json:"invitations"`
	// Roles are the components' roles, sorted by name.
	Roles []Role `json:"roles"`
	// RolePrefix starts the name of every PKI role of this environment and of no other.
	RolePrefix string `json:"rolePrefix"`
}

// Role is what one component is allowed: to log in as its ServiceAccount, and to have one kind of certificate.
type Role struct {
	PKI  PKIRole  `json:"pki"`
	Auth AuthRole `json:"auth"`
}

// Types of a TransitKey.
const (
	AES256  = "aes256-gcm96"
	Ed25519 = "ed25519"
)

// TransitKey is a key of the transit engine. All but AutoRotatePeriod cannot be changed once the key exists, or not back.
type TransitKey struct {
	Name                 string `json:"name"`
	Type                 string `json:"type"`
	Exportable           bool   `json:"exportable"`
	AllowPlaintextBackup bool   `json:"allow_plaintext_backup"`
	// AutoRotatePeriod in seconds; 0 for never.
	AutoRotatePeriod int64 `json:"auto_rotate_period"`
}

// DataKey is a data key of 256 bits, wrapped by the encryption key.
type DataKey struct {
	// Path in the kv engine. The secret's field "ciphertext" is the wrapped key.
	Path string `json:"path"`
	// Wanted says that a component needs it, so it is made when there is none.
	Wanted bool `json:"wanted"`
}

// PKIRole says which certificates a component can have.
type PKIRole struct {
	Name string `json:"name,omitempty"`
	// AllowedDomains are complete names, the common name first. The flags below admit nothing else.
	AllowedDomains            []string `json:"allowed_domains"`
	AllowBareDomains          bool     `json:"allow_bare_domains"`
	AllowSubdomains           bool     `json:"allow_subdomains"`
	AllowGlobDomains          bool     `json:"allow_glob_domains"`
	AllowWildcardCertificates bool     `json:"allow_wildcard_certificates"`
	AllowAnyName              bool     `json:"allow_any_name"`
	AllowLocalhost            bool     `json:"allow_localhost"`
	AllowIPSANs               bool     `json:"allow_ip_sans"`
	EnforceHostnames          bool     `json:"enforce_hostnames"`
	RequireCN                 bool     `json:"require_cn"`
	// UseCSRCommonName and UseCSRSANs false: a certificate request brings the key only, the names are those of the call.
	UseCSRCommonName    bool     `json:"use_csr_common_name"`
	UseCSRSANs          bool     `json:"use_csr_sans"`
	KeyType             string   `json:"key_type"`
	KeyBits             int      `json:"key_bits"`
	KeyUsage            []string `json:"key_usage"`
	ServerFlag          bool     `json:"server_flag"`
	ClientFlag          bool     `json:"client_flag"`
	CodeSigningFlag     bool     `json:"code_signing_flag"`
	EmailProtectionFlag bool     `json:"email_protection_flag"`
	// TTL and MaxTTL in seconds.
	TTL    int64 `json:"ttl"`
	MaxTTL int64 `json:"max_ttl"`
	// NoStore keeps certificates out of Vault's storage: there is no revocation list, they live for hours only.
	NoStore bool `json:"no_store"`
}

// AuthRole lets one ServiceAccount of one namespace log in.
type AuthRole struct {
	Name           string    `json:"name,omitempty"`
	ServiceAccount CommaList `json:"bound_service_account_names"`
	Namespace      CommaList `json:"bound_service_account_namespaces"`
	Audience       string    `json:"audience"`
	// TokenPolicies are the policies of the component's grants, sorted.
	TokenPolicies        CommaList `json:"token_policies"`
	TokenNoDefaultPolicy bool      `json:"token_no_default_policy"`
	TokenType            string    `json:"token_type"`
	// TokenTTL and TokenMaxTTL in seconds.
	TokenTTL    int64 `json:"token_ttl"`
	TokenMaxTTL int64 `json:"token_max_ttl"`
}
