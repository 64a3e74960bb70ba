package restore

import (
	"context"
	"errors"

	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
)

// fillsCopy tells whether the environment is a copy that takes over the application's data key.
func (r *restore) fillsCopy(m manifest.Manifest) bool {
	return r.Keys.RewrapPath != "" && m.DataKey != ""
}

// checkDataKey refuses to put data beside a key that it was not encrypted with. One that an earlier attempt has written is right.
func (r *restore) checkDataKey(ctx context.Context, m manifest.Manifest) error {
	if !r.fillsCopy(m) {
		return nil
	}
	_, err := keys.Rewrapped(ctx, r.Vault, r.Keys, m.DataKey)
	return dataKeyError(err)
}

// takeDataKey gives the copy the application's data key, wrapped by its own key. That is before the swap, so a copy that is filled has it.
func (r *restore) takeDataKey(ctx context.Context, m manifest.Manifest) error {
	if !r.fillsCopy(m) {
		return nil
	}
	there, err := keys.Rewrapped(ctx, r.Vault, r.Keys, m.DataKey)
	if err != nil || there {
		return dataKeyError(err)
	}
	return keys.Rewrap(ctx, r.Vault, r.Keys, m.DataKey)
}

func dataKeyError(err error) error {
	if errors.Is(err, keys.ErrOtherDataKey) {
		return failf(ReasonDataKeyExists, "%w; delete the environment with policy Shred, or give the copy another name", err)
	}
	return err
}
