package run

import (
	"context"
	"errors"
	"slices"

	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Reasons of a result, beside the causes of locations (internal/backup/store), of repositories (internal/backup/restic) and the waits
// for Vault (internal/agent/session).
const (
	// ReasonNothingToDo says that the configuration asks for nothing.
	ReasonNothingToDo = "NothingToDo"
	// ReasonInterrupted says that the run was stopped.
	ReasonInterrupted = "Interrupted"
	// ReasonPartiallyFailed says that some locations hold the backup, and others do not.
	ReasonPartiallyFailed = "PartiallyFailed"
	// ReasonLocationsFailed says that no location holds the backup, for more than one reason.
	ReasonLocationsFailed = "LocationsFailed"
	// ReasonDatabaseFailed says that the database could not be read.
	ReasonDatabaseFailed = "DatabaseFailed"
	// ReasonRunFailed is any other cause.
	ReasonRunFailed = "RunFailed"
)

// reasonOf gives an error its reason and its message.
func reasonOf(err error) (reason, message string) {
	if failed, ok := errors.AsType[*store.Error](err); ok {
		return string(failed.Cause), failed.Message
	}
	if failed, ok := errors.AsType[*restic.Error](err); ok {
		return string(failed.Cause), failed.Message
	}
	if failed, ok := errors.AsType[*dumpError](err); ok {
		return ReasonDatabaseFailed, failed.Error()
	}
	if waiting, ok := outcome.AsWaiting(err); ok {
		return waiting.Reason, waiting.Message
	}
	if errors.Is(err, context.Canceled) {
		return ReasonInterrupted, "the run was stopped"
	}
	return ReasonRunFailed, err.Error()
}

// reasonOfAll is the one that all of the errors have, which are those of locations, and ReasonLocationsFailed when they have several.
func reasonOfAll(errs []error) string {
	shared, _ := reasonOf(errs[0])
	if slices.ContainsFunc(errs, func(err error) bool { reason, _ := reasonOf(err); return reason != shared }) {
		return ReasonLocationsFailed
	}
	return shared
}

// lasting tells whether another attempt would meet all of the errors again, which are those of locations.
func lasting(errs ...error) bool {
	passes := func(err error) bool {
		reason, _ := reasonOf(err)
		return job.Passes(reason) || slices.Contains([]string{ReasonInterrupted, ReasonDatabaseFailed, ReasonRunFailed}, reason)
	}
	return len(errs) > 0 && !slices.ContainsFunc(errs, passes)
}

// tag that all snapshots of a backup have.
func tag(id string) string { return "backup=" + id }

// validID of a backup. It is part of restic's tags and of names in the bucket.
func validID(id string) error {
	if manifest.ValidID(id) {
		return nil
	}
	return errors.New("the ID of a backup must be lower-case letters, digits and hyphens")
}
