// Package manager is the subcommand that runs the operator.
package manager

import (
	"fmt"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"log/slog"
	"os"

	"github.com/crmkeep/crmkeep/controllers"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/vault"
)

// NewCommand makes the command.
func NewCommand() *cobra.Command {
	var o controllers.Options
	var settingsFile, tokenFile string
	cmd := &cobra.Command{
		Use:   "manager --settings FILE",
		Short: "Run the operator",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil))
			ctrl.SetLogger(log)
			klog.SetLogger(log)
			s, err := settings.Load(settingsFile)
			if err != nil {
				return err
			}
			client, err := newVault(s, tokenFile)
			if err != nil {
				return err
			}
			config, err := ctrl.GetConfig()
			if err != nil {
				return fmt.Errorf("finding the cluster: %w", err)
			}
			mgr, err := controllers.NewManager(config, o, s, client)
			if err != nil {
				return err
			}
			return mgr.Start(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&settingsFile, "settings", "/etc/crmkeep/settings.yaml", "the installation's settings")
	f.StringVar(&tokenFile, "vault-token-file", "/var/run/secrets/vault/token", "ServiceAccount token with Vault's audience, to log in with")
	f.StringVar(&o.MetricsAddress, "metrics-bind-address", "0", "where to serve metrics; 0 for nowhere")
	f.StringVar(&o.HealthAddress, "health-probe-bind-address", ":8081", "where to serve /healthz and /readyz")
	f.StringVar(&o.ProfileAddress, "pprof-bind-address", "", "where to serve Go's profiles, such as 127.0.0.1:6060; empty for nowhere")
	f.BoolVar(&o.LeaderElection, "leader-elect", false, "let only one of several replicas work")
	f.StringVar(&o.Namespace, "leader-election-namespace", "", "namespace of the lease; default: the pod's own")
	return cmd
}

func newVault(s settings.Settings, tokenFile string) (*vault.Client, error) {
	v := target.VaultSettings(s)
	return vault.New(vault.Config{
		Address:  s.Vault.Address,
		CABundle: s.Vault.CABundle,
		Settings: v,
		Login:    vault.KubernetesLogin(v, tokenFile),
	})
}
