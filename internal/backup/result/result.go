// Package result is what a run tells the manager: progress while it lasts, and its end as the container's termination message. What
// comes from a pod is checked before it is believed.
package result

// Stages of a run, in order. A restore has StageRead in place of StageDatabase and StageVolumes, then StageVerify and StageSwap.
const (
	StagePrepare  = "Prepare"
	StageDatabase = "Database"
	StageVolumes  = "Volumes"
	StageManifest = "Manifest"
	StageRead     = "Read"
	StageVerify   = "Verify"
	StageSwap     = "Swap"
	StageCare     = "Care"
)

// Progress of a run.
type Progress struct {
	Stage     string `json:"stage"`
	BytesDone int64  `json:"bytesDone"`
	// BytesTotal is an estimate from the database's size; 0 when it is not known.
	BytesTotal int64 `json:"bytesTotal,omitempty"`
}

// Result of a run.
type Result struct {
	// Reason and Message say what went wrong, in the terms of a condition; empty for a run that did all of its work.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Lasting says of a Reason that another attempt would meet it again. The exit status tells it.
	Lasting bool `json:"-"`
	// Refused says of a restore with a Reason that it has touched nothing.
	Refused bool `json:"refused,omitempty"`
	// Locations, in the order of the configuration.
	Locations []Location `json:"locations,omitempty"`
	// ManifestDigest is SHA-256, in hexadecimal, of the signed manifest.
	ManifestDigest string `json:"manifestDigest,omitempty"`
	// KeyVersion is the oldest version of the key that wraps anything of the backup.
	KeyVersion int64 `json:"keyVersion,omitempty"`
	Tables     int64 `json:"tables,omitempty"`
	Rows       int64 `json:"rows,omitempty"`
	Bytes      int64 `json:"bytes,omitempty"`
	// Seconds that each stage took, by its name.
	Seconds map[string]float64 `json:"seconds,omitempty"`
}

// Location is one location's part of a Result.
type Location struct {
	Name string `json:"name"`
	// Message says why the location failed; empty when it holds the backup.
	Message string `json:"message,omitempty"`
	// Snapshots are restic's, in short form.
	Snapshots  []string `json:"snapshots,omitempty"`
	BytesAdded int64    `json:"bytesAdded,omitempty"`
	// Problems that reading back has found.
	Problems []string `json:"problems,omitempty"`
}
