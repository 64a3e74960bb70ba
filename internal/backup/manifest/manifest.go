// Package manifest is the document that makes a backup one: it says what was taken from where, what is in it and what is needed to read
// it, and it is believed because of its signature alone. It is pure.
package manifest

// Kind and Format of a Manifest.
const (
	Kind   = "BackupManifest"
	Format = 1
)

// DatabaseFile is the name of the dump in its snapshot.
const DatabaseFile = "database.sql"

// Manifest of one backup.
type Manifest struct {
	Kind   string `json:"kind"`
	Format int    `json:"format"`
	// ID of the backup.
	ID          string `json:"id"`
	Tenant      string `json:"tenant"`
	Environment string `json:"environment"`
	// Class and Version of the product that the data is of.
	Class   string `json:"class"`
	Version string `json:"version"`
	// Schedule that asked for the backup; empty for one by hand.
	Schedule string `json:"schedule,omitempty"`
	// StartedAt and EndedAt of the run, RFC 3339 in UTC. The data is of no earlier than the start.
	StartedAt string `json:"startedAt"`
	EndedAt   string `json:"endedAt"`
	// Key is the name in Vault of the key that the wrapped values of the manifest need.
	Key string `json:"key"`
	// DataKey is the application's wrapped data key. Empty: the application has none.
	DataKey   string     `json:"dataKey,omitempty"`
	Database  Database   `json:"database"`
	Volumes   []Volume   `json:"volumes,omitempty"`
	Locations []Location `json:"locations"`
	// Seconds that each stage of the run took, by its name, up to the manifest.
	Seconds map[string]float64 `json:"seconds,omitempty"`
}

// Database is what the dump holds.
type Database struct {
	// Name of the database and ServerVersion that it was dumped from.
	Name          string `json:"name"`
	ServerVersion string `json:"serverVersion"`
	// Bytes of the dump, and DatabaseBytes that the database took on its server's disk.
	Bytes         int64 `json:"bytes"`
	DatabaseBytes int64 `json:"databaseBytes"`
	// RestrictedBy is the password, wrapped, that the dump's restrict key is derived from: that of one of the locations.
	RestrictedBy string  `json:"restrictedBy"`
	Tables       []Table `json:"tables"`
}

// Table is what the dump holds of one table.
type Table struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Digest is that of database.Table.
	Digest string `json:"digest"`
}

// Volume is a folder of files.
type Volume struct {
	Name  string `json:"name"`
	Files int64  `json:"files"`
	Bytes int64  `json:"bytes"`
}

// Location holds the whole backup.
type Location struct {
	Name string `json:"name"`
	// Repository is the prefix in the bucket below which the repository, its key and its manifests are.
	Repository string `json:"repository"`
	// Password of the repository, wrapped by the key.
	Password string `json:"password"`
	// Database is restic's ID of the snapshot with the dump.
	Database string `json:"database"`
	// Volumes are the snapshots of the volumes, in their order.
	Volumes []string `json:"volumes,omitempty"`
	// BytesAdded to the repository by the backup.
	BytesAdded int64 `json:"bytesAdded"`
}

// Snapshots of the location, the database's first.
func (l Location) Snapshots() []string {
	return append([]string{l.Database}, l.Volumes...)
}

// Location finds one by its name.
func (m Manifest) Location(name string) (Location, bool) {
	for _, l := range m.Locations {
		if l.Name == name {
			return l, true
		}
	}
	return Location{}, false
}

// Wrapped are all values that Vault has wrapped: as long as the backup is to be read, the versions of the key that they name must
// stay able to decrypt.
func (m Manifest) Wrapped() []string {
	all := []string{m.Database.RestrictedBy}
	if m.DataKey != "" {
		all = append(all, m.DataKey)
	}
	for _, l := range m.Locations {
		all = append(all, l.Password)
	}
	return all
}
