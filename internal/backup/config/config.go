// Package config is what the manager tells a run of a backup, a restore or the care of a repository: the content of a ConfigMap, so
// nothing in it is secret. It is pure; the plan makes it and the run reads it.
package config

import agent "github.com/crmkeep/crmkeep/internal/agent/config"

// Where the volumes of a run's pod are mounted.
const (
	// Dir holds FileName and agent.VaultCAFile.
	Dir = "/run/crmkeep/config"
	// TokenDir holds the projected ServiceAccount token with Vault's audience.
	TokenDir = "/run/crmkeep/token" //nolint:gosec // a folder, not a credential
	// ScratchDir is a memory-backed volume for the certificate's files.
	ScratchDir = "/run/crmkeep/files"
	// VolumesDir has a folder for each volume of the class.
	VolumesDir = "/run/crmkeep/volumes"
	// FileName is the configuration inside Dir.
	FileName = "run.yaml"
)

// ProgressPort answers the manager's GET /progress with a result.Progress while a run lasts, in plain HTTP.
const ProgressPort = 8444

// ExitLasting is the exit status of a run that failed for a reason that another attempt would meet again. Kubernetes makes none then.
const ExitLasting = 3

// Config is the whole configuration of a run. Exactly one of Backup, Care and Restore is set.
type Config struct {
	Vault       agent.Vault       `json:"vault"`
	Certificate agent.Certificate `json:"certificate"`
	Keys        Keys              `json:"keys"`
	Database    Database          `json:"database"`
	// Volumes are the class's file volumes, mounted at VolumesDir/<name>.
	Volumes []string `json:"volumes,omitempty"`
	// Locations to write to, or to read from in this order.
	Locations []Location `json:"locations"`

	Backup  *Backup  `json:"backup,omitempty"`
	Care    *Care    `json:"care,omitempty"`
	Restore *Restore `json:"restore,omitempty"`
}

// Keys are paths of Vault's API, without "/v1/" before them.
type Keys struct {
	// Name of the transit key that the repository's password is wrapped by, which is the source's workload namespace.
	Name string `json:"name"`
	// DataKeyPath makes a password, "crmkeep-transit/datakey/plaintext/<key>", and DecryptPath unwraps it.
	DataKeyPath string `json:"dataKeyPath,omitempty"`
	DecryptPath string `json:"decryptPath"`
	// SignPath signs manifests, "crmkeep-transit/sign/<key>.evidence", and EvidencePath tells the public key.
	SignPath     string `json:"signPath,omitempty"`
	EvidencePath string `json:"evidencePath"`
	// WrappedPath is the application's wrapped data key in the kv engine. Empty: the application has none.
	WrappedPath string `json:"wrappedPath,omitempty"`
	// RewrapPath wraps the application's data key with the key of the environment that a restore fills, "crmkeep-transit/encrypt/<its own
	// key>", and RewrappedPath is where that is written, once, in the kv engine. Both are empty unless a copy with a data key is filled.
	RewrapPath    string `json:"rewrapPath,omitempty"`
	RewrappedPath string `json:"rewrappedPath,omitempty"`
}

// Database is the server to connect to.
type Database struct {
	Address    string `json:"address"` // host:port
	ServerName string `json:"serverName"`
	// CABundle that the server's certificate must chain to, PEM. Default: the CA of the run's own certificate.
	CABundle string `json:"caBundle,omitempty"`
	Name     string `json:"name"`
	// User to connect as and, for a restore, the Owner to act as.
	User  string `json:"user"`
	Owner string `json:"owner,omitempty"`
	// StorageBytes is the size of the server's volume, which a restore has to fit into beside what is there. 0: not known.
	StorageBytes int64 `json:"storageBytes,omitempty"`
}

// Location is a bucket and where in it the environment's repository is.
type Location struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	// CABundle that the endpoint's certificate must chain to, PEM. Default: the system's roots.
	CABundle string `json:"caBundle,omitempty"`
	Region   string `json:"region"`
	Bucket   string `json:"bucket"`
	// Prefix of the environment's repository, without a slash at either end.
	Prefix string `json:"prefix"`
	// VirtualHost puts the bucket into the host name rather than the path.
	VirtualHost bool `json:"virtualHost,omitempty"`
	// CredentialsPath in the kv engine, "crmkeep-kv/data/locations/<name>", fields "accessKeyID" and "secretAccessKey".
	CredentialsPath string `json:"credentialsPath"`
}

// Backup makes one backup of the environment.
type Backup struct {
	// ID names the manifest: the CRMBackup's name and the start of its UID.
	ID          string `json:"id"`
	Tenant      string `json:"tenant"`
	Environment string `json:"environment"`
	Class       string `json:"class"`
	Version     string `json:"version"`
	// Schedule that asked for it; empty for one by hand.
	Schedule string `json:"schedule,omitempty"`
}

// Care forgets what retention lets go, removes what nothing needs, and reads part of the data back.
type Care struct {
	// Forget are the IDs of the backups whose snapshots and manifests are removed.
	Forget []string `json:"forget,omitempty"`
	// ReadData says how much of the repository is read back, as restic's check takes it: "100%", "1/7". Empty: its structure only.
	ReadData string `json:"readData,omitempty"`
}

// Restore puts a backup into the database and the volumes of this environment.
type Restore struct {
	// ID of the backup and ManifestDigest, SHA-256 in hexadecimal, that its manifest must have.
	ID             string `json:"id"`
	ManifestDigest string `json:"manifestDigest"`
	// Tenant and Environment that the manifest must name.
	Tenant      string `json:"tenant"`
	Environment string `json:"environment"`
	// Name tells this restore from others: what it replaces is kept under it.
	Name string `json:"name"`
	// ReadBack says to compare every row that the database gives back with the manifest, which takes as long as a backup. Otherwise that is
	// done with what the database is given, and its rows are counted.
	ReadBack bool `json:"readBack,omitempty"`
	// Drop removes what the restore of that name has replaced, and does nothing else.
	Drop bool `json:"drop,omitempty"`
	// Undo brings back what the restore of that name has replaced, however far it came, and does nothing else.
	Undo bool `json:"undo,omitempty"`
}
