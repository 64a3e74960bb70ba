// Package credential gets from Vault what only the application may know.
package credential

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// ReasonDataKeyMissing is the reason of a wait for the manager, which writes the wrapped data key.
const ReasonDataKeyMissing = "DataKeyMissing"

// dataKeyBytes is the size of a data key: an AES-256 or Fernet key.
const dataKeyBytes = 32

// Vault reads and writes. Read gives nil when there is nothing at path.
type Vault interface {
	Read(ctx context.Context, path string) (map[string]any, error)
	Write(ctx context.Context, path string, body map[string]any) (map[string]any, error)
}

// DataKey unwraps the environment's data key and gives the values of its bindings.
func DataKey(ctx context.Context, vault Vault, from config.DataKey) (map[string]secret.String, error) {
	stored, err := readKV(ctx, vault, from.WrappedPath)
	if err != nil {
		return nil, err
	}
	wrapped, _ := stored["ciphertext"].(string)
	if wrapped == "" {
		return nil, outcome.Wait(ReasonDataKeyMissing, 0, "no data key at %s yet: the manager writes it when it sets up the environment", from.WrappedPath)
	}
	answer, err := vault.Write(ctx, from.DecryptPath, map[string]any{"ciphertext": wrapped})
	if err != nil {
		return nil, err
	}
	plaintext, _ := answer["plaintext"].(string)
	key, err := base64.StdEncoding.DecodeString(plaintext)
	if err != nil || len(key) != dataKeyBytes {
		// The decoder's error would quote the key.
		return nil, errors.New("the data key is not 32 bytes in base64")
	}
	return map[string]secret.String{
		"key.hex":       secret.New(hex.EncodeToString(key)),
		"key.base64":    secret.New(base64.StdEncoding.EncodeToString(key)),
		"key.base64url": secret.New(base64.URLEncoding.EncodeToString(key)),
	}, nil
}

// readKV gives the newest version at a kv v2 data path, nil when there is none or it was deleted.
func readKV(ctx context.Context, vault Vault, path string) (map[string]any, error) {
	answer, err := vault.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	data, _ := answer["data"].(map[string]any)
	return data, nil
}
