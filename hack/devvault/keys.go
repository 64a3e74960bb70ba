package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/vault/helper/namespace"
	"github.com/hashicorp/vault/vault"
)

// keys is what initialising a Vault gives, as written to the -keys file.
type keys struct {
	RootToken string
	UnsealKey string // in hexadecimal, as the unseal request takes it
}

// open initialises a new Vault and unseals it. One that has data stays sealed unless -auto-unseal is given.
func open(core *vault.Core, o options) error {
	ctx := namespace.RootContext(context.Background())
	initialised, err := core.Initialized(ctx)
	if err != nil {
		return err
	}
	if !initialised {
		return initialise(ctx, core, o.keysFile)
	}
	if !o.autoUnseal {
		return nil
	}
	content, err := os.ReadFile(o.keysFile)
	if err != nil {
		return err
	}
	var k keys
	if err := json.Unmarshal(content, &k); err != nil {
		return fmt.Errorf("%s is not a keys file", o.keysFile) // the cause would quote a key
	}
	return unseal(core, k)
}

func initialise(ctx context.Context, core *vault.Core, file string) error {
	result, err := core.Initialize(ctx, &vault.InitParams{
		BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return err
	}
	k := keys{RootToken: result.RootToken, UnsealKey: hex.EncodeToString(result.SecretShares[0])}
	content, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return err
	}
	return unseal(core, k)
}

func unseal(core *vault.Core, k keys) error {
	key, err := hex.DecodeString(k.UnsealKey)
	if err != nil {
		return fmt.Errorf("the unseal key is not hexadecimal")
	}
	_, err = core.Unseal(key)
	return err
}
