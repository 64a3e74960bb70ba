package vault

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Observe reads what an environment has: three reads, at most two more for each role, and a list of roles for all environments together
// every few seconds. Which roles there are may be as old as that list; a role that is in it and gone is seen to be gone.
func (c *Client) Observe(ctx context.Context, want layout.Layout) (State, error) {
	state, err := c.ObserveKeys(ctx, want)
	if err != nil {
		return State{}, err
	}
	existing, err := c.roles(ctx, want.RolePrefix, time.Now().Add(-listFor))
	if err != nil {
		return State{}, err
	}
	for _, role := range want.Roles {
		// Roles are made PKI first and removed PKI last, so without it there is no auth role either.
		if !slices.Contains(existing, role.PKI.Name) {
			continue
		}
		if state.Roles[role.PKI.Name], err = c.role(ctx, role); err != nil {
			return State{}, err
		}
	}
	state.Stale = stale(existing, want.Roles)
	return state, nil
}

// ObserveKeys reads an environment's keys, and leaves its roles out: three reads.
func (c *Client) ObserveKeys(ctx context.Context, want layout.Layout) (State, error) {
	state := State{Roles: map[string]Role{}}
	var err error
	if state.EncryptionKey, err = c.key(ctx, want.EncryptionKey.Name); err != nil {
		return State{}, err
	}
	if state.EvidenceKey, err = c.key(ctx, want.EvidenceKey.Name); err != nil {
		return State{}, err
	}
	if state.DataKey, err = c.dataKey(ctx, want.DataKey.Path); err != nil {
		return State{}, err
	}
	return state, nil
}

func (c *Client) key(ctx context.Context, name string) (*Key, error) {
	return read[Key](ctx, c, c.settings.TransitPath("keys", name))
}

func (c *Client) role(ctx context.Context, want layout.Role) (Role, error) {
	pki, err := read[layout.PKIRole](ctx, c, c.settings.PKIRolePath(want.PKI.Name))
	if err != nil {
		return Role{}, err
	}
	auth, err := read[layout.AuthRole](ctx, c, c.settings.AuthRolePath(want.Auth.Name))
	if err != nil {
		return Role{}, err
	}
	// Vault does not repeat a role's name in its content.
	if pki != nil {
		pki.Name = want.PKI.Name
	}
	if auth != nil {
		auth.Name = want.Auth.Name
	}
	return Role{PKI: pki, Auth: auth}, nil
}

// roles are the PKI roles of one environment, from a list that was asked for at the time since or later.
func (c *Client) roles(ctx context.Context, prefix string, since time.Time) ([]string, error) {
	return c.pkiRoles.startingWith(ctx, prefix, since, func(ctx context.Context) ([]string, error) {
		secret, err := c.call(ctx, request{operation: opList, path: c.settings.PKIRolesPath()})
		if err != nil || secret == nil {
			return nil, err
		}
		listed, err := decode[struct{ Keys []string }](secret)
		return listed.Keys, err
	})
}

func stale(existing []string, want []layout.Role) []string {
	return slices.DeleteFunc(existing, func(name string) bool {
		return slices.ContainsFunc(want, func(role layout.Role) bool { return role.PKI.Name == name })
	})
}

// dataKey reads a wrapped data key. One that was deleted but can be undeleted is a wait: a new key in its place would make what
// the old one has encrypted unreadable.
func (c *Client) dataKey(ctx context.Context, path string) (*DataKey, error) {
	type kvSecret struct {
		Data     *storedDataKey
		Metadata struct{ Version int64 }
	}
	stored, err := read[kvSecret](ctx, c, c.settings.KVDataPath(path))
	if err != nil || stored == nil {
		return nil, err
	}
	if stored.Data == nil {
		return nil, wait(ReasonKeyLost, 5*time.Minute, "the wrapped data key at %s was deleted: bring it back with \"vault kv undelete\"; "+
			"crmkeep does not make a new one, because what the old one has encrypted would be lost", c.settings.KVDataPath(path))
	}
	version, err := wrappedVersion(stored.Data.Ciphertext)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &DataKey{KeyVersion: version, stored: *stored.Data, revision: stored.Metadata.Version}, nil
}

// verify refuses to go on from a state that writing would make worse.
func (c *Client) verify(want layout.Layout, have State) error {
	for _, pair := range []struct {
		want layout.TransitKey
		have *Key
	}{{want.EncryptionKey, have.EncryptionKey}, {want.EvidenceKey, have.EvidenceKey}} {
		if err := c.verifyKey(pair.want, pair.have); err != nil {
			return err
		}
	}
	if have.DataKey != nil && (have.EncryptionKey == nil || have.EncryptionKey.MinDecryptionVersion > have.DataKey.KeyVersion) {
		return wait(ReasonKeyLost, 5*time.Minute, "version %d of key %s, which wraps the data key at %s, is not available in Vault: restore the key "+
			"from a snapshot of Vault, or lower its min_decryption_version", have.DataKey.KeyVersion,
			c.settings.TransitPath("keys", want.EncryptionKey.Name), c.settings.KVDataPath(want.DataKey.Path))
	}
	return nil
}

// verifyKey compares what cannot be changed about a key, or not back.
func (c *Client) verifyKey(want layout.TransitKey, have *Key) error {
	if have == nil {
		return nil
	}
	clash := ""
	switch {
	case have.Type != want.Type:
		clash = fmt.Sprintf("has type %s instead of %s", have.Type, want.Type)
	case have.Exportable != want.Exportable:
		clash = "can be exported"
	case have.AllowPlaintextBackup != want.AllowPlaintextBackup:
		clash = "can be backed up in plain text"
	case have.Derived:
		clash = "is derived"
	case have.Imported:
		clash = "was imported"
	default:
		return nil
	}
	return outcome.Wait(ReasonNameClash, 5*time.Minute, "key %s exists and %s, so crmkeep did not make it and does not use it: move it away",
		c.settings.TransitPath("keys", want.Name), clash)
}
