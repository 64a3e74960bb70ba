// Command crmkeep is the whole of crmkeep: the operator, and everything of it that runs in a tenant's pods.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/crmkeep/crmkeep/internal/access/explain"
	"github.com/crmkeep/crmkeep/internal/access/review/show"
	"github.com/crmkeep/crmkeep/internal/agent"
	"github.com/crmkeep/crmkeep/internal/agent/postgres"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/restore"
	"github.com/crmkeep/crmkeep/internal/backup/run"
	"github.com/crmkeep/crmkeep/internal/backup/verify"
	"github.com/crmkeep/crmkeep/internal/check"
	"github.com/crmkeep/crmkeep/internal/exec"
	"github.com/crmkeep/crmkeep/internal/invite"
	"github.com/crmkeep/crmkeep/internal/manager"
	"github.com/crmkeep/crmkeep/internal/preview"
	"github.com/crmkeep/crmkeep/internal/vault/bootstrap"
)

func main() {
	root := &cobra.Command{
		Use:           "crmkeep",
		Short:         "Secured CRM deployments on Kubernetes",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	vault := &cobra.Command{Use: "vault", Short: "Prepare Vault for crmkeep"}
	vault.AddCommand(bootstrap.NewCommand(), bootstrap.NewInviterCommand())
	root.AddCommand(
		manager.NewCommand(), preview.NewCommand(), explain.NewCommand(), explain.NewWhoCanCommand(), show.NewCommand(), invite.NewCommand(), vault,
		agent.NewCommand(), exec.NewCommand(), exec.NewInstallCommand(), postgres.NewInitCommand(),
		run.NewCommand(), restore.NewCommand(), verify.NewCommand(), check.NewCommand(),
	)
	if err := root.ExecuteContext(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(job.ExitCode(err))
	}
}
