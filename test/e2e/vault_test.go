//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	vault "github.com/hashicorp/vault/api"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/stretchr/testify/require"
)

// vaultAddress is where this machine reaches the development Vault; its certificate names it.
const vaultAddress = "https://10.96.0.20:8200"

// connectVault reads what hack/cluster left of the development Vault.
func (c *cluster) connectVault(dir string) error {
	content, err := os.ReadFile(filepath.Join(dir, "keys.json"))
	if err != nil {
		return err
	}
	var keys struct{ RootToken, UnsealKey string }
	if err := json.Unmarshal(content, &keys); err != nil {
		return errors.New("the keys of the development Vault cannot be read")
	}
	config := vault.DefaultConfig()
	config.Address = vaultAddress
	if err := config.ConfigureTLS(&vault.TLSConfig{CACert: filepath.Join(dir, "ca.crt")}); err != nil {
		return err
	}
	if c.vault, err = vault.NewClient(config); err != nil {
		return err
	}
	c.vault.SetToken(keys.RootToken)
	c.unsealKey = keys.UnsealKey
	return nil
}

// sealVault seals Vault until the test ends, or unsealVault.
func sealVault(t *testing.T) {
	t.Helper()
	require.NoError(t, c.vault.Sys().SealWithContext(t.Context()))
	t.Cleanup(func() {
		if _, err := c.vault.Sys().Unseal(c.unsealKey); err != nil {
			t.Errorf("unsealing Vault: %v", err)
		}
	})
}

func unsealVault(t *testing.T) {
	t.Helper()
	_, err := c.vault.Sys().UnsealWithContext(t.Context(), c.unsealKey)
	require.NoError(t, err)
	eventually(t, soon, "Vault to be active", func(ctx context.Context) error {
		health, err := c.vault.Sys().HealthWithContext(ctx)
		if err == nil && (health.Sealed || health.Standby) {
			err = fmt.Errorf("sealed %t, standby %t", health.Sealed, health.Standby)
		}
		return err
	})
}

// podsOf lists the pods of an environment, of one component or, with "", of all.
func podsOf(ctx context.Context, namespace, component string) ([]corev1.Pod, error) {
	var pods corev1.PodList
	options := []client.ListOption{client.InNamespace(namespace)}
	if component != "" {
		options = append(options, client.MatchingLabels{labelComponent: component})
	}
	err := c.List(ctx, &pods, options...)
	return pods.Items, err
}
