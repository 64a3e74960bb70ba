package bootstrap

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Inviter is who hands on invitations to one environment.
type Inviter struct {
	Tenant, Environment string
	// MaxTTL is how long a token that holds an invitation may live; at least one minute.
	MaxTTL time.Duration
}

// validName is what names of tenants and environments are made of.
var validName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Policy lets an inviter read invitations, and only with response wrapping.
func (i Inviter) Policy(settings layout.Settings) (Policy, error) {
	for flag, name := range map[string]string{"--tenant": i.Tenant, "--environment": i.Environment} {
		if !validName.MatchString(name) {
			return Policy{}, fmt.Errorf("%s: %q must be lower case letters, digits and single dashes, such as \"acme\"", flag, name)
		}
	}
	if i.MaxTTL < time.Minute {
		return Policy{}, fmt.Errorf("--max-ttl: %s must be at least 1m", i.MaxTTL)
	}
	return render(settings.Prefix+"-inviter-"+naming.WorkloadNamespace(i.Tenant, i.Environment), "inviter", map[string]any{
		"KV": settings.KVMount(), "Namespace": naming.WorkloadNamespace(i.Tenant, i.Environment), "MaxTTL": i.MaxTTL,
		"Environment": naming.HomeNamespace(i.Tenant) + "/" + i.Environment,
	})
}

// NewInviterCommand is "crmkeep vault inviter".
func NewInviterCommand() *cobra.Command {
	settings, inviter := layout.Default(), Inviter{}
	command := &cobra.Command{
		Use:   "inviter --tenant TENANT --environment ENVIRONMENT",
		Short: "Print the policy of people who hand on invitations",
		Long: "Print the Vault policy of people who hand on invitations to one environment with \"crmkeep invite\".\n" +
			"It lets them read invitations with response wrapping only. An administrator of Vault writes it and gives it to them.",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			policy, err := inviter.Policy(settings)
			if err := errors.Join(settings.Validate(), err); err != nil {
				return err
			}
			_, err = fmt.Fprint(command.OutOrStdout(), policy.Rules)
			return err
		},
	}
	set := command.Flags()
	set.StringVar(&inviter.Tenant, "tenant", "", "name of the CRMTenant")
	set.StringVar(&inviter.Environment, "environment", "", "name of the CRMEnvironment")
	set.DurationVar(&inviter.MaxTTL, "max-ttl", 72*time.Hour, "how long what is handed on may stay unopened, at most")
	set.StringVar(&settings.Prefix, "prefix", settings.Prefix, "prefix of all mounts, policies and roles, as the bootstrap had it")
	for _, name := range []string{"tenant", "environment"} {
		if err := command.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return command
}
