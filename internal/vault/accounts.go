package vault

import (
	"context"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// AdapterAccount reads the account that crmkeep itself works as in the CRM of a workload namespace. Whoever calls it keeps the password for
// as long as it is used and no longer. Where there is none it is an outcome.Waiting for the migration, which makes it.
func (c *Client) AdapterAccount(ctx context.Context, namespace string) (login string, password secret.String, err error) {
	path := c.settings.KVDataPath(layout.AdapterPath(namespace))
	stored, err := read[struct {
		Data struct{ Login, Password string }
	}](ctx, c, path)
	if err != nil {
		return "", secret.String{}, err
	}
	if stored == nil || stored.Data.Login == "" || stored.Data.Password == "" {
		return "", secret.String{}, outcome.Wait(v1alpha1.ReasonCredentialMissing, time.Minute,
			"Vault has no account of crmkeep's at %s: the next migration of the environment makes it, such as that to another version", path)
	}
	return stored.Data.Login, secret.New(stored.Data.Password), nil
}

// Invitation is what a person needs to log in for the first time.
type Invitation struct {
	Login    string
	Password secret.String
	// Environment as "<namespace>/<name>".
	Environment string
	// URL that the person opens.
	URL string
	// CreatedAt is when the password was made.
	CreatedAt time.Time
}

// Invite stores an invitation where people fetch it who hand it on, in the place of the person's earlier one, which is destroyed. It cannot be
// read back.
func (c *Client) Invite(ctx context.Context, namespace string, i Invitation) error {
	invite := request{opWrite, c.settings.KVDataPath(layout.InvitationPath(namespace, i.Login)), map[string]any{
		"data": map[string]any{
			"login": i.Login, "password": i.Password.Reveal(), "environment": i.Environment, "url": i.URL,
			"createdAt": i.CreatedAt.UTC().Format(time.RFC3339),
		},
		"options": map[string]any{"cas": 0},
	}}
	_, err := c.call(ctx, invite)
	if !isStale(err) {
		return err
	}
	if err := c.ForgetInvitation(ctx, namespace, i.Login); err != nil {
		return err
	}
	_, err = c.call(ctx, invite)
	return err
}

// ForgetInvitation destroys a person's invitation. That there is none is fine.
func (c *Client) ForgetInvitation(ctx context.Context, namespace, login string) error {
	_, err := c.call(ctx, request{opDelete, c.settings.KVMetadataPath(layout.InvitationPath(namespace, login)), nil})
	return err
}
