package job

import (
	"context"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Command completes the subcommand of a kind of run: its flags, its log on standard error as JSON, and an end when it is told to stop.
func Command(cmd *cobra.Command, run func(context.Context, Options, *slog.Logger) error) *cobra.Command {
	var options Options
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		return run(ctx, options, slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil)))
	}
	options.AddFlags(cmd.Flags())
	return cmd
}
