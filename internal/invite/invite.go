// Package invite is `crmkeep invite`: how a person's first password gets from Vault to that person and to nobody else. Who hands it on never sees
// it, and whoever opens it before the person does is found out.
package invite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// NewCommand makes `crmkeep invite`.
func NewCommand() *cobra.Command {
	i := invitation{settings: layout.Default()}
	cmd := &cobra.Command{
		Use:   "invite --namespace NAMESPACE --environment NAME --user LOGIN",
		Short: "Wrap a person's first password, to hand it on",
		Long: "Wrap the first password that crmkeep has made for a person, and print a token that opens it once: hand that on.\n" +
			"VAULT_ADDR, VAULT_CACERT and VAULT_TOKEN say which Vault and who asks, as for Vault's own command. The token needs the policy that\n" +
			"\"crmkeep vault inviter\" prints.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return i.wrap(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringVarP(&i.namespace, "namespace", "n", "", "home namespace of the tenant, such as crm-acme")
	f.StringVar(&i.environment, "environment", "", "name of the CRMEnvironment")
	f.StringVar(&i.login, "user", "", "login of the person, as bindings name it")
	f.DurationVar(&i.ttl, "ttl", 72*time.Hour, "how long the token can be opened")
	f.StringVar(&i.settings.Prefix, "prefix", i.settings.Prefix, "prefix of Vault's mounts, as the bootstrap had it")
	for _, name := range []string{"namespace", "environment", "user"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	cmd.AddCommand(newOpenCommand())
	return cmd
}

// invitation that is to be handed on.
type invitation struct {
	namespace, environment, login string
	ttl                           time.Duration
	settings                      layout.Settings
}

func (i invitation) wrap(ctx context.Context, out io.Writer) error {
	tenant, ok := naming.TenantOfHome(i.namespace)
	if !ok {
		return fmt.Errorf("--namespace: %q is no tenant's home namespace; name one such as %s", i.namespace, naming.HomeNamespace("acme"))
	}
	client, err := vault.ConnectAsPerson()
	if err != nil {
		return err
	}
	client.SetWrappingLookupFunc(func(string, string) string { return i.ttl.String() })
	path := i.settings.KVDataPath(layout.InvitationPath(naming.WorkloadNamespace(tenant, i.environment), i.login))
	secret, err := client.Logical().ReadWithContext(ctx, path)
	var refusal *api.ResponseError
	switch {
	case errors.As(err, &refusal) && refusal.StatusCode == http.StatusForbidden:
		return fmt.Errorf("Vault refuses to wrap %s for %s: your token needs the policy that `crmkeep vault inviter --tenant %s --environment %s` prints, "+ //nolint:staticcheck // a name
			"and --ttl must be within it", path, i.ttl, tenant, i.environment)
	case err != nil:
		return err
	case secret == nil:
		return fmt.Errorf("Vault has no invitation of %s to %s/%s: crmkeep makes one when it makes an account or lets it in again", //nolint:staticcheck // a name
			i.login, i.namespace, i.environment)
	case secret.WrapInfo == nil:
		return errors.New("Vault has answered without wrapping, so the password was on its way in the clear: is there something between you and Vault?") //nolint:staticcheck // a name
	}
	return i.print(out, client.Address(), secret.WrapInfo)
}

func (i invitation) print(out io.Writer, address string, wrapped *api.SecretWrapInfo) error {
	end := wrapped.CreationTime.Add(time.Duration(wrapped.TTL) * time.Second).UTC().Format(time.RFC3339)
	_, err := fmt.Fprintf(out, message, i.login, i.namespace, i.environment, end, wrapped.Token, address)
	return err
}

const message = `The invitation of %[1]s to %[2]s/%[3]s. It opens once, until %[4]s:

  %[5]s

Open it with one of

  VAULT_ADDR=%[6]s crmkeep invite open
  read -rs VAULT_TOKEN; VAULT_ADDR=%[6]s VAULT_TOKEN=$VAULT_TOKEN vault unwrap

and give it the token when it waits for it. If it does not open, somebody else has opened it: say so at once.
`
