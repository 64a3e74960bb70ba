package job

import (
	"errors"
	"slices"

	"github.com/crmkeep/crmkeep/internal/agent/session"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/store"
)

// passing are the reasons that may be gone by the next attempt without anybody doing anything.
var passing = []string{
	session.ReasonSealed, session.ReasonUnreachable, session.ReasonSlow,
	string(store.Unreachable), string(store.Refused),
	string(restic.RepositoryLocked), string(restic.Incomplete), string(restic.Failed),
}

// Passes tells whether Vault or a location may be well again by the next attempt.
func Passes(reason string) bool { return slices.Contains(passing, reason) }

// ExitStatuses is how a command's help tells of them.
const ExitStatuses = "1 when another attempt may succeed, and 3 when somebody has to do something first."

// lastingError ends a run that another attempt cannot help.
type lastingError struct{ error }

func (e lastingError) Unwrap() error { return e.error }

// ExitCode that a command's error gives the process.
func ExitCode(err error) int {
	if _, ok := errors.AsType[lastingError](err); ok {
		return config.ExitLasting
	}
	return 1
}
