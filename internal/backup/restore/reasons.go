package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/crmkeep/crmkeep/internal/backup/database"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/backup/volumes"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Reasons of a result, beside the causes of locations (internal/backup/store), of repositories (internal/backup/restic) and the waits
// for Vault (internal/agent/session).
const (
	// ReasonNothingToDo says that the configuration asks for nothing.
	ReasonNothingToDo = "NothingToDo"
	// ReasonInterrupted says that the run was stopped.
	ReasonInterrupted = "Interrupted"
	// ReasonManifestMissing says that a location has no manifest of the backup.
	ReasonManifestMissing = "ManifestMissing"
	// ReasonManifestUntrusted says that a manifest is not what the environment's evidence key has signed.
	ReasonManifestUntrusted = "ManifestUntrusted"
	// ReasonManifestMismatch says that a manifest is one of another backup than was asked for.
	ReasonManifestMismatch = "ManifestMismatch"
	// ReasonKeyUnavailable says that Vault does not decrypt any more what the backup needs.
	ReasonKeyUnavailable = "KeyUnavailable"
	// ReasonDataKeyExists says that the copy has a data key that is not the one of the backup.
	ReasonDataKeyExists = "DataKeyExists"
	// ReasonVolumeMissing says that the environment lacks a volume that the backup has files of.
	ReasonVolumeMissing = "VolumeMissing"
	// ReasonNoRoom says that what is restored does not fit beside what is there.
	ReasonNoRoom = "NoRoom"
	// ReasonLoadFailed says that the database did not take what the backup holds.
	ReasonLoadFailed = "LoadFailed"
	// ReasonVerifyFailed says that what was restored is not what was backed up.
	ReasonVerifyFailed = "VerifyFailed"
	// ReasonSwapFailed says that what was restored could not be put into its place.
	ReasonSwapFailed = "SwapFailed"
	// ReasonRunFailed is any other cause.
	ReasonRunFailed = "RunFailed"
)

// lasting tells whether another attempt would meet the reason again. The database may go away while it is loaded or swapped.
func lasting(reason string) bool {
	return !job.Passes(reason) && !slices.Contains([]string{ReasonInterrupted, ReasonLoadFailed, ReasonSwapFailed, ReasonRunFailed}, reason)
}

// failure is an error with a reason of its own.
type failure struct {
	reason string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

func fail(reason string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{reason, err}
}

func failf(reason, format string, args ...any) error {
	return &failure{reason, fmt.Errorf(format, args...)}
}

// reasonOf gives an error its reason and its message.
func reasonOf(err error) (reason, message string) {
	if errors.Is(err, context.Canceled) {
		return ReasonInterrupted, "the run was stopped"
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason, f.Error()
	}
	if failed, ok := errors.AsType[*store.Error](err); ok {
		return string(failed.Cause), failed.Message
	}
	if failed, ok := errors.AsType[*restic.Error](err); ok {
		return string(failed.Cause), failed.Message
	}
	if waiting, ok := outcome.AsWaiting(err); ok {
		return waiting.Reason, waiting.Message
	}
	return reasonOfRoom(err)
}

func reasonOfRoom(err error) (reason, message string) {
	if full, ok := errors.AsType[*database.NoRoomError](err); ok {
		return ReasonNoRoom, full.Error()
	}
	if full, ok := errors.AsType[*volumes.NoRoomError](err); ok {
		return ReasonNoRoom, full.Error()
	}
	return ReasonRunFailed, err.Error()
}
