package vault

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Apply writes what differs between want and have, and reports whether it may have written anything; observe again then. Each write leaves a
// state from which another Apply goes on, and a component can log in only after all that it needs exists.
func (c *Client) Apply(ctx context.Context, want layout.Layout, have State) (changed bool, err error) {
	if err := c.verify(want, have); err != nil {
		return false, err
	}
	keys := append(c.keyWrites(want.EncryptionKey, have.EncryptionKey), c.keyWrites(want.EvidenceKey, have.EvidenceKey)...)
	roles := append(c.roleWrites(want, have), c.roleRemovals(have.Stale)...)
	makeDataKey := want.DataKey.Wanted && have.DataKey == nil
	if len(keys)+len(roles) == 0 && !makeDataKey {
		return false, nil
	}
	if err := c.callAll(ctx, keys); err != nil {
		return true, err
	}
	if makeDataKey {
		if err := c.createDataKey(ctx, want); err != nil {
			return true, err
		}
	}
	return true, c.callAll(ctx, roles)
}

// keyWrites makes a key, or corrects what can be corrected about it.
func (c *Client) keyWrites(want layout.TransitKey, have *Key) []request {
	if have == nil {
		return []request{{opWrite, c.settings.TransitPath("keys", want.Name), newKey{
			Type: want.Type, Exportable: want.Exportable, AllowPlaintextBackup: want.AllowPlaintextBackup, AutoRotatePeriod: want.AutoRotatePeriod,
		}}}
	}
	if have.AutoRotatePeriod == want.AutoRotatePeriod && !have.DeletionAllowed {
		return nil
	}
	return []request{{opWrite, c.settings.TransitPath("keys", want.Name) + "/config", keyConfig{
		AutoRotatePeriod: want.AutoRotatePeriod, DeletionAllowed: false,
	}}}
}

// newKey and keyConfig are the bodies of two calls; the operator's policy admits no other parameters.
type newKey struct {
	Type                 string `json:"type"`
	Exportable           bool   `json:"exportable"`
	AllowPlaintextBackup bool   `json:"allow_plaintext_backup"`
	AutoRotatePeriod     int64  `json:"auto_rotate_period"`
}

type keyConfig struct {
	AutoRotatePeriod int64 `json:"auto_rotate_period"`
	DeletionAllowed  bool  `json:"deletion_allowed"`
}

func (c *Client) roleWrites(want layout.Layout, have State) []request {
	var writes []request
	for _, role := range want.Roles {
		existing := have.Roles[role.PKI.Name]
		if existing.PKI == nil || !reflect.DeepEqual(*existing.PKI, role.PKI) {
			writes = append(writes, request{opWrite, c.settings.PKIRolePath(role.PKI.Name), pkiBody(role.PKI)})
		}
		if existing.Auth == nil || *existing.Auth != role.Auth {
			writes = append(writes, request{opWrite, c.settings.AuthRolePath(role.Auth.Name), authBody(role.Auth)})
		}
	}
	return writes
}

// pkiBody and authBody leave out the name, which is in the path and not a parameter.
func pkiBody(role layout.PKIRole) layout.PKIRole {
	role.Name = ""
	return role
}

func authBody(role layout.AuthRole) layout.AuthRole {
	role.Name = ""
	return role
}

// roleRemovals takes the login away first, and what the list of roles is made from last.
func (c *Client) roleRemovals(pkiRoles []string) []request {
	var removals []request
	for _, name := range pkiRoles {
		removals = append(removals,
			request{opDelete, c.settings.AuthRolePath(c.settings.AuthRolePrefix() + name), nil},
			request{opDelete, c.settings.PKIRolePath(name), nil})
	}
	return removals
}

// createDataKey lets Vault make a data key and hand out only its wrapped form, and stores that unless somebody was faster.
func (c *Client) createDataKey(ctx context.Context, want layout.Layout) error {
	type wrapped struct {
		Ciphertext string `json:"ciphertext"`
	}
	made, err := write[wrapped](ctx, c, c.settings.TransitPath("datakey/wrapped", want.EncryptionKey.Name), map[string]any{"bits": 256})
	if err != nil {
		return err
	}
	err = c.storeDataKey(ctx, want.DataKey.Path, storedDataKey{Ciphertext: made.Ciphertext}, 0)
	if isStale(err) {
		return nil
	}
	return err
}

// storeDataKey writes a wrapped data key over the given revision, 0 for none.
func (c *Client) storeDataKey(ctx context.Context, path string, stored storedDataKey, revision int64) error {
	_, err := c.call(ctx, request{opWrite, c.settings.KVDataPath(path), map[string]any{
		"data":    stored,
		"options": map[string]any{"cas": revision},
	}})
	return err
}

// isStale says that somebody else has written since the read.
func isStale(err error) bool {
	var refused *requestError
	return errors.As(err, &refused) && strings.Contains(refused.text, "check-and-set")
}
