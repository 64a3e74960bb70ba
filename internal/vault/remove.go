package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Remove takes every login and certificate role of an environment away. Keys and secrets stay, so the environment's backups can be
// read, and an environment of the same name takes up its data again. It may be repeated.
func (c *Client) Remove(ctx context.Context, gone layout.Layout) error {
	existing, err := c.roles(ctx, gone.RolePrefix, time.Now()) // No login may stay because a list was old.
	if err != nil {
		return err
	}
	return c.callAll(ctx, c.roleRemovals(existing))
}

// Shred destroys the encryption key, in all its versions, and all secrets: no copy of what they protected can ever be read again,
// wherever it is. The evidence key stays, for the certificate of destruction. It may be repeated, and returns nil only after it
// has seen that the key is gone.
func (c *Client) Shred(ctx context.Context, gone layout.Layout) error {
	if err := c.Remove(ctx, gone); err != nil {
		return err
	}
	if err := c.destroyKey(ctx, gone.EncryptionKey.Name); err != nil {
		return err
	}
	invitations, err := c.invitations(ctx, gone.Invitations)
	if err != nil {
		return err
	}
	var removals []request
	for _, path := range append(invitations, gone.Adapter, gone.Admin, gone.DataKey.Path) {
		removals = append(removals, request{opDelete, c.settings.KVMetadataPath(path), nil})
	}
	return c.callAll(ctx, removals)
}

// invitations are the paths of those that there are.
func (c *Client) invitations(ctx context.Context, folder string) ([]string, error) {
	secret, err := c.call(ctx, request{operation: opList, path: c.settings.KVMetadataPath(folder)})
	if err != nil || secret == nil {
		return nil, err
	}
	listed, err := decode[struct{ Keys []string }](secret)
	paths := make([]string, len(listed.Keys))
	for i, name := range listed.Keys {
		paths[i] = folder + "/" + name
	}
	return paths, err
}

// DestroyEvidence destroys the evidence key too, after which nothing can be verified that it has signed unless its public half was kept
// elsewhere. It may be repeated.
func (c *Client) DestroyEvidence(ctx context.Context, gone layout.Layout) error {
	return c.destroyKey(ctx, gone.EvidenceKey.Name)
}

func (c *Client) destroyKey(ctx context.Context, name string) error {
	path := c.settings.TransitPath("keys", name)
	key, err := c.key(ctx, name)
	if err != nil || key == nil {
		return err
	}
	err = c.callAll(ctx, []request{
		{opWrite, path + "/config", map[string]any{"deletion_allowed": true}},
		{opDelete, path, nil},
	})
	if err != nil {
		return err
	}
	if key, err = c.key(ctx, name); err != nil {
		return err
	}
	if key != nil {
		return fmt.Errorf("vault: key %s still exists after it was deleted", path)
	}
	return nil
}
