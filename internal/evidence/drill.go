package evidence

import "encoding/json"

// Verdicts of a drill.
const (
	VerdictPassed = "Passed"
	VerdictFailed = "Failed"
)

// DrillStatement says what came of a drill: whether a backup restores, and how long that takes.
type DrillStatement struct {
	Kind        string `json:"kind"` // "DrillStatement"
	Tenant      string `json:"tenant"`
	Environment string `json:"environment"`
	Schedule    string `json:"schedule"`
	// Drill is the name of its CRMRestore.
	Drill string `json:"drill"`
	// Backup that was restored, with the digest of its manifest; empty when there was none.
	Backup         string `json:"backup,omitempty"`
	ManifestDigest string `json:"manifestDigest,omitempty"`
	// ScheduledAt is when the drill was due, StartedAt when it began and EndedAt when its verdict was known; RFC 3339.
	ScheduledAt string `json:"scheduledAt"`
	StartedAt   string `json:"startedAt"`
	EndedAt     string `json:"endedAt"`
	// Stages that have ended, in order, and Checks of the class that have.
	Stages []Stage `json:"stages,omitempty"`
	Checks []Stage `json:"checks,omitempty"`
	// RTOSeconds is the sum of the stages, and RPOSeconds how much work would have been lost. Only of a drill that has passed.
	RTOSeconds *int64 `json:"rtoSeconds,omitempty"`
	RPOSeconds *int64 `json:"rpoSeconds,omitempty"`
	// Verdict is Passed or Failed, and Message says why it failed.
	Verdict string `json:"verdict"`
	Message string `json:"message,omitempty"`
}

// Stage is a part of a drill and how long it took.
type Stage struct {
	Name         string `json:"name"`
	Milliseconds int64  `json:"milliseconds"`
}

const kindDrill = "DrillStatement"

// Encode gives the text of a statement that is to be signed.
func (s DrillStatement) Encode() (string, error) {
	s.Kind = kindDrill
	out, err := json.Marshal(s)
	return string(out), err
}
