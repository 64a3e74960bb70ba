// Package restore puts a backup into the database and the volumes of an environment: what `crmkeep restore` does. Everything is loaded
// beside what is there, verified, and swapped at the end, so a run that ends early has changed nothing.
package restore

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// NewCommand makes `crmkeep restore`.
func NewCommand() *cobra.Command {
	return job.Command(&cobra.Command{
		Use:   "restore",
		Short: "Restore a backup into an environment, or undo or confirm that (a Job)",
		Long: "Restore a backup into an environment, as the configuration says, or undo or confirm an earlier restore.\n" +
			"The result is JSON in the file --result. The exit status is 0 when all of it is done; otherwise the environment is as it was: " +
			job.ExitStatuses,
	}, Run)
}

// Run does what the configuration asks for.
func Run(ctx context.Context, options job.Options, log *slog.Logger) error {
	return options.Run(ctx, log, func(ctx context.Context, j *job.Job) result.Result {
		if j.Restore == nil {
			return result.Result{Reason: ReasonNothingToDo, Message: "the configuration asks for no restore", Lasting: true}
		}
		r := &restore{Job: j, asked: *j.Restore}
		return r.result(r.run(ctx))
	})
}
