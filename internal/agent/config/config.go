// Package config is what the manager tells an agent: the content of a ConfigMap, so nothing in it is secret. It is pure; the
// plan makes it and the agent reads it.
package config

import "github.com/crmkeep/crmkeep/internal/binding"

// Where the volumes of a workload pod are mounted.
const (
	// Dir holds FileName and the CA certificates; only the agent sees it.
	Dir = "/run/crmkeep/config"
	// TokenDir holds the projected ServiceAccount token with Vault's audience; only the agent sees it.
	TokenDir = "/run/crmkeep/token" //nolint:gosec // a folder, not a credential
	// FilesDir is the memory-backed volume of what the agent renders; agent and application share it.
	FilesDir = "/run/crmkeep/files"
	// BinDir holds this program for `crmkeep exec` in images that do not have it.
	BinDir = "/run/crmkeep/bin"
	// FileName is the configuration inside Dir.
	FileName = "agent.yaml"
	// VaultCAFile is Vault's CA certificate inside Dir. Empty or missing: the system's roots.
	VaultCAFile = "vault-ca.pem"
)

// Names inside FilesDir.
const (
	// CertFile, KeyFile and CAFile are the component's certificate, its key and the CA of its environment's certificates.
	CertFile = "tls.crt"
	KeyFile  = "tls.key"
	CAFile   = "ca.crt"
	// EnvFile holds the environment that `crmkeep exec` gives to the application, as NAME=value records ended by NUL.
	EnvFile = ".env"
	// ReadyFile exists once everything was rendered.
	ReadyFile = ".ready"
	// DatabaseSocket takes the application's database connections. Its name is what clients of Postgres look for in a folder that
	// they are given in the place of a host.
	DatabaseSocket = ".s.PGSQL.5432"
)

// Ports of the agent.
const (
	// TLSPort takes TLS connections for the application.
	TLSPort = 8443
	// HealthPort answers kubelet: /started, /ready and /live, in plain HTTP and without detail.
	HealthPort = 8444
	// DatabasePort on localhost carries the application's database connections.
	DatabasePort = 5432
)

// Config is the whole of an agent's configuration.
type Config struct {
	Vault       Vault        `json:"vault"`
	Certificate Certificate  `json:"certificate"`
	DataKey     *DataKey     `json:"dataKey,omitempty"`
	Admin       *Account     `json:"admin,omitempty"`
	Adapter     *Account     `json:"adapter,omitempty"`
	Inbound     *Inbound     `json:"inbound,omitempty"`
	Database    *Database    `json:"database,omitempty"`
	Postgres    *Postgres    `json:"postgres,omitempty"`
	Readiness   *HTTPProbe   `json:"readiness,omitempty"`
	Liveness    *HTTPProbe   `json:"liveness,omitempty"`
	Files       []File       `json:"files,omitempty"`
	Env         []Env        `json:"env,omitempty"`
	Values      []NamedValue `json:"values,omitempty"`
}

// Vault is how to reach Vault and as whom to log in.
type Vault struct {
	Address  string `json:"address"`
	AuthPath string `json:"authPath"` // mount of the Kubernetes auth method, "kubernetes"
	Role     string `json:"role"`
}

// Certificate is what the agent asks the PKI engine to sign. The private key is made in the pod and never leaves it.
type Certificate struct {
	SignPath   string   `json:"signPath"` // "crmkeep-pki/sign/<namespace>.<component>"
	CommonName string   `json:"commonName"`
	DNSNames   []string `json:"dnsNames,omitempty"`
	TTLSeconds int64    `json:"ttlSeconds"`
	// WriteFiles puts the pair into FilesDir, for a program that does its own TLS, such as Postgres.
	WriteFiles bool `json:"writeFiles,omitempty"`
}

// DataKey is where the application's wrapped data key is and which transit key unwraps it.
type DataKey struct {
	WrappedPath string `json:"wrappedPath"` // kv v2, "crmkeep-kv/data/<namespace>/data-key", field "ciphertext"
	DecryptPath string `json:"decryptPath"` // "crmkeep-transit/decrypt/<namespace>"
}

// Account in the CRM: that of its first administrator, or crmkeep's own. Only the migration Job has them: it makes the password when there is none.
type Account struct {
	Path  string `json:"path"` // kv v2, "crmkeep-kv/data/<namespace>/admin" or ".../adapter", fields "login" and "password"
	Login string `json:"login"`
}

// Inbound takes TLS on TLSPort and passes the bytes to the application.
type Inbound struct {
	Forward string `json:"forward"` // "127.0.0.1:8000"
}

// Database takes plain Postgres connections on localhost and carries them over mutual TLS.
type Database struct {
	Address    string `json:"address"` // host:port
	ServerName string `json:"serverName"`
	// CABundle that the server's certificate must chain to, PEM. Default: the CA of the pod's own certificate.
	CABundle string `json:"caBundle,omitempty"`
}

// Postgres makes the agent keep the server beside it: certificates reloaded, role and database present.
type Postgres struct {
	SocketDir string `json:"socketDir"`
	Database  string `json:"database"`
	Owner     string `json:"owner"`
	// Readers may read all of the database and write nothing: backups.
	Readers []string `json:"readers,omitempty"`
	// Restorers may make databases and act as the owner: restores.
	Restorers  []string `json:"restorers,omitempty"`
	Extensions []string `json:"extensions,omitempty"`
}

// HTTPProbe is a request to the application on localhost.
type HTTPProbe struct {
	Port   int32    `json:"port"`
	Method string   `json:"method,omitempty"` // default GET
	Path   string   `json:"path"`
	Header []Header `json:"header,omitempty"`
	Body   string   `json:"body,omitempty"`
	// Status that counts as good. Default: any from 200 to 399.
	Status int32 `json:"status,omitempty"`
	// BodyContains must occur in the first 64 KiB of the answer, when set.
	BodyContains string `json:"bodyContains,omitempty"`
}

// Header is one header line of an HTTPProbe.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// File is rendered into FilesDir.
type File struct {
	Name     string           `json:"name"`
	Template binding.Template `json:"template"`
	Mode     uint32           `json:"mode,omitempty"` // default 0400
}

// Env is rendered into EnvFile.
type Env struct {
	Name     string           `json:"name"`
	Template binding.Template `json:"template"`
}

// NamedValue is a binding's value that the manager knows already.
type NamedValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
