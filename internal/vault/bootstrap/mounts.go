package bootstrap

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// upgradeTimeout is how long a new kv engine may take to become a versioned one.
const upgradeTimeout = 30 * time.Second

// engines mounts the engines that every installation has.
func (r run) engines(ctx context.Context) error {
	if err := r.engine(ctx, r.Settings.TransitMount(), &api.MountInput{Type: "transit", Description: "crmkeep: keys of environments"}); err != nil {
		return err
	}
	if err := r.engine(ctx, r.Settings.PKIMount(), &api.MountInput{
		Type: "pki", Description: "crmkeep: certificates of components", Config: api.MountConfigInput{MaxLeaseTTL: r.CA.IntermediateTTL.String()},
	}); err != nil {
		return err
	}
	return r.engine(ctx, r.Settings.KVMount(), &api.MountInput{
		Type: "kv", Description: "crmkeep: wrapped keys, accounts in CRMs, credentials of backup locations", Options: map[string]string{"version": "2"},
	})
}

// engine mounts an engine unless it is there. Something else at its place is an error.
func (r run) engine(ctx context.Context, path string, want *api.MountInput) error {
	mounts, err := r.vault.Sys().ListMountsWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list engines: %w", err)
	}
	existing := mounts[path+"/"]
	if existing == nil {
		if err := r.vault.Sys().MountWithContext(ctx, path, want); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	} else if existing.Type != want.Type || existing.Options["version"] != want.Options["version"] {
		return fmt.Errorf("mount %s exists and is not crmkeep's: it has type %s and options %v; choose another prefix", path, existing.Type, existing.Options)
	}
	r.Report("engine "+path, existing == nil)
	return nil
}

// checkAndSet makes every write to the kv engine say what it replaces, so a data key is never overwritten unseen.
func (r run) checkAndSet(ctx context.Context) error {
	path := r.Settings.KVMount() + "/config"
	config, err := r.readWhenUpgraded(ctx, path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	required, _ := config.Data["cas_required"].(bool)
	if !required {
		if _, err := r.vault.Logical().WriteWithContext(ctx, path, map[string]any{"cas_required": true}); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	r.Report("check-and-set in "+r.Settings.KVMount(), !required)
	return nil
}

// readWhenUpgraded waits for a kv engine that was just mounted: Vault makes it a versioned one in the background.
func (r run) readWhenUpgraded(ctx context.Context, path string) (*api.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		config, err := r.vault.Logical().ReadWithContext(ctx, path)
		if err == nil && config != nil {
			return config, nil
		}
		if err != nil && !strings.Contains(err.Error(), "Upgrading from non-versioned") {
			return nil, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("the engine was not ready within %s: %w", upgradeTimeout, ctx.Err())
		}
	}
}
