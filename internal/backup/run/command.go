// Package run makes a backup, and takes care of the repositories that backups are in: what `crmkeep backup` does.
package run

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// NewCommand makes `crmkeep backup`.
func NewCommand() *cobra.Command {
	return job.Command(&cobra.Command{
		Use:   "backup",
		Short: "Make a backup of an environment, or take care of its repositories (a Job)",
		Long: "Make a backup of an environment, or take care of its repositories, as the configuration says.\n" +
			"The result is JSON in the file --result. The exit status is 0 when the backup is in one location at least; otherwise it is " +
			job.ExitStatuses,
	}, Run)
}

// Run makes the backup or takes the care that the configuration asks for.
func Run(ctx context.Context, options job.Options, log *slog.Logger) error {
	return options.Run(ctx, log, func(ctx context.Context, j *job.Job) result.Result {
		switch {
		case j.Backup != nil:
			return makeBackup(ctx, j)
		case j.Care != nil:
			return takeCare(ctx, j)
		}
		return result.Result{Reason: ReasonNothingToDo, Message: "the configuration asks for neither a backup nor care", Lasting: true}
	})
}
