package keys

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/crmkeep/crmkeep/internal/backup/config"
)

// ErrOtherDataKey says that an environment has a data key that was not made of the backup's.
var ErrOtherDataKey = errors.New("there is another data key")

// Fields of a wrapped data key in the kv engine. The agent knows the first one only, and the operator keeps both when it rotates the key.
const (
	fieldCiphertext = "ciphertext"
	// fieldSource is a digest of the wrapped data key that a copy's was made of. Nobody here can unwrap the copy's to compare them.
	fieldSource = "source"
)

// Rewrapped tells whether the copy has the data key already that the source's environment has wrapped. Any other is ErrOtherDataKey.
func Rewrapped(ctx context.Context, vault Reader, keys config.Keys, wrapped string) (bool, error) {
	answer, err := vault.Read(ctx, keys.RewrappedPath)
	if err != nil || answer == nil {
		return false, err
	}
	data, _ := answer["data"].(map[string]any)
	if source, _ := data[fieldSource].(string); source != digest(wrapped) {
		return false, fmt.Errorf("%w at %s than that of the backup", ErrOtherDataKey, keys.RewrappedPath)
	}
	return true, nil
}

// Rewrap wraps the data key that the source's environment has wrapped with the copy's own key, and writes that once, as the operator would.
// Nothing of it is kept in this process.
func Rewrap(ctx context.Context, vault Vault, keys config.Keys, wrapped string) error {
	opened, err := Unwrap(ctx, vault, keys, wrapped)
	if err != nil {
		return err
	}
	answer, err := vault.Write(ctx, keys.RewrapPath, map[string]any{"plaintext": opened.Text.Reveal()})
	if err != nil {
		return err
	}
	own, _ := answer[fieldCiphertext].(string)
	if _, err := Version(own); err != nil {
		return fmt.Errorf("%s gave no wrapped key", keys.RewrapPath)
	}
	_, err = vault.Write(ctx, keys.RewrappedPath, map[string]any{
		"data":    map[string]any{fieldCiphertext: own, fieldSource: digest(wrapped)},
		"options": map[string]any{"cas": 0},
	})
	return err
}

func digest(wrapped string) string {
	sum := sha256.Sum256([]byte(wrapped))
	return hex.EncodeToString(sum[:])
}
