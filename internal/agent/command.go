// Package agent is the sidecar of every workload pod: it keeps the pod's certificate, renders what the application reads, and
// carries the application's connections.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/agent/config"
)

// Options is where an agent finds and puts things. NewCommand's defaults are what the plan gives a pod.
type Options struct {
	// ConfigFile is the agent's configuration; Vault's CA certificate is beside it.
	ConfigFile string
	// TokenFile is the projected ServiceAccount token with Vault's audience.
	TokenFile string
	// FilesDir is the memory-backed folder that agent and application share.
	FilesDir string
	// InboundAddress takes users' TLS connections, DatabaseAddress the application's to the database, HealthAddress kubelet's probes.
	InboundAddress, DatabaseAddress, HealthAddress string
	// DatabaseSocketDir is the folder of a Unix socket that also takes the application's database connections. Empty: none.
	DatabaseSocketDir string
}

// NewCommand makes `crmkeep agent`.
func NewCommand() *cobra.Command {
	var options Options
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Keep a workload pod's certificate, files and connections (a sidecar)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Nothing that the agent writes is for anybody but its own user.
			syscall.Umask(0o077)
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			err := Run(ctx, options, slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil)))
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&options.ConfigFile, "config", filepath.Join(config.Dir, config.FileName), "configuration file")
	flags.StringVar(&options.TokenFile, "token-file", filepath.Join(config.TokenDir, "token"), "ServiceAccount token for Vault")
	flags.StringVar(&options.FilesDir, "files-dir", config.FilesDir, "memory-backed folder of the rendered files")
	flags.StringVar(&options.InboundAddress, "inbound-address", fmt.Sprintf(":%d", config.TLSPort), "address for TLS connections to the application")
	flags.StringVar(&options.DatabaseAddress, "database-address", fmt.Sprintf("127.0.0.1:%d", config.DatabasePort), "address for the application's database connections")
	flags.StringVar(&options.DatabaseSocketDir, "database-socket-dir", config.FilesDir, "folder of the Unix socket for the same; empty for none")
	flags.StringVar(&options.HealthAddress, "health-address", fmt.Sprintf(":%d", config.HealthPort), "address for kubelet's probes")
	return cmd
}
