// Package keys is what a run asks Vault for: passwords of repositories, which exist unwrapped in a run's memory only, and signatures.
package keys

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/evidence"
)

// Reader reads from Vault, nil when there is nothing at path.
type Reader interface {
	Read(ctx context.Context, path string) (map[string]any, error)
}

// Vault reads and writes.
type Vault interface {
	Reader
	Write(ctx context.Context, path string, body map[string]any) (map[string]any, error)
}

// Password of a repository.
type Password struct {
	// Wrapped is what only Vault can unwrap, "vault:v1:…".
	Wrapped string
	// Text is what restic is given: 32 random bytes in base64, just as `vault write …/decrypt/…` prints it.
	Text secret.String
}

// NewPassword has Vault make one.
func NewPassword(ctx context.Context, vault Vault, keys config.Keys) (Password, error) {
	answer, err := vault.Write(ctx, keys.DataKeyPath, nil)
	if err != nil {
		return Password{}, err
	}
	wrapped, _ := answer["ciphertext"].(string)
	text, err := plaintext(answer)
	if err != nil || wrapped == "" {
		return Password{}, fmt.Errorf("%s gave no key", keys.DataKeyPath)
	}
	return Password{Wrapped: wrapped, Text: text}, nil
}

// Unwrap gives the password that Vault once wrapped.
func Unwrap(ctx context.Context, vault Vault, keys config.Keys, wrapped string) (Password, error) {
	answer, err := vault.Write(ctx, keys.DecryptPath, map[string]any{"ciphertext": wrapped})
	if err != nil {
		return Password{}, err
	}
	text, err := plaintext(answer)
	if err != nil {
		return Password{}, fmt.Errorf("%s gave no key", keys.DecryptPath)
	}
	return Password{Wrapped: wrapped, Text: text}, nil
}

// plaintext never quotes what it reads.
func plaintext(answer map[string]any) (secret.String, error) {
	text, _ := answer["plaintext"].(string)
	if raw, err := base64.StdEncoding.DecodeString(text); err != nil || len(raw) != 32 {
		return secret.String{}, errors.New("not 32 bytes in base64")
	}
	return secret.New(text), nil
}

// Version of the key that wrapped a value.
func Version(wrapped string) (int64, error) {
	parts := strings.SplitN(wrapped, ":", 3)
	if len(parts) == 3 && parts[0] == "vault" && strings.HasPrefix(parts[1], "v") {
		if version, err := strconv.ParseInt(parts[1][1:], 10, 64); err == nil {
			return version, nil
		}
	}
	return 0, errors.New("not a value that Vault has wrapped")
}

// RestrictKey is the key that psql demands of a dump, the same for every dump into the repository of the password.
func (p Password) RestrictKey() string {
	mac := hmac.New(sha256.New, []byte(p.Text.Reveal()))
	mac.Write([]byte("crmkeep restrict key"))
	return hex.EncodeToString(mac.Sum(nil))
}

// Sign gives a text with the signature of the environment's evidence key.
func Sign(ctx context.Context, vault Vault, keys config.Keys, text string) (evidence.Certificate, error) {
	answer, err := vault.Write(ctx, keys.SignPath, map[string]any{"input": base64.StdEncoding.EncodeToString([]byte(text))})
	if err != nil {
		return evidence.Certificate{}, err
	}
	signature, _ := answer["signature"].(string)
	version, err := Version(signature)
	if err != nil {
		return evidence.Certificate{}, fmt.Errorf("%s gave no signature", keys.SignPath)
	}
	raw, err := base64.StdEncoding.DecodeString(signature[strings.LastIndexByte(signature, ':')+1:])
	if err != nil {
		return evidence.Certificate{}, fmt.Errorf("%s gave no signature", keys.SignPath)
	}
	public, err := Evidence(ctx, vault, keys)
	if err != nil {
		return evidence.Certificate{}, err
	}
	signed := evidence.Certificate{Statement: text, Signature: raw, PublicKey: public[version]}
	_, err = signed.Text()
	return signed, err
}

// Evidence gives the public halves of the environment's evidence key, by version.
func Evidence(ctx context.Context, vault Reader, keys config.Keys) (map[int64]ed25519.PublicKey, error) {
	answer, err := vault.Read(ctx, keys.EvidencePath)
	if err != nil {
		return nil, err
	}
	versions, _ := answer["keys"].(map[string]any)
	public := make(map[int64]ed25519.PublicKey, len(versions))
	for number, version := range versions {
		fields, _ := version.(map[string]any)
		text, _ := fields["public_key"].(string)
		n, err := strconv.ParseInt(number, 10, 64)
		raw, decodeErr := base64.StdEncoding.DecodeString(text)
		if err != nil || decodeErr != nil || len(raw) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("version %.20s of %s is no Ed25519 key", number, keys.EvidencePath)
		}
		public[n] = raw
	}
	if len(public) == 0 {
		return nil, fmt.Errorf("there is no key at %s", keys.EvidencePath)
	}
	return public, nil
}

// WrappedDataKey is the application's wrapped data key as the kv engine has it, empty when the application has none.
func WrappedDataKey(ctx context.Context, vault Reader, keys config.Keys) (string, error) {
	if keys.WrappedPath == "" {
		return "", nil
	}
	answer, err := vault.Read(ctx, keys.WrappedPath)
	if err != nil {
		return "", err
	}
	data, _ := answer["data"].(map[string]any)
	wrapped, _ := data["ciphertext"].(string)
	if _, err := Version(wrapped); err != nil {
		return "", fmt.Errorf("there is no wrapped data key at %s", keys.WrappedPath)
	}
	return wrapped, nil
}

// stored is how a repository's password lies beside it.
type stored struct {
	Key        string `json:"key"`
	Ciphertext string `json:"ciphertext"`
}

// Store gives the content of the file beside the repository.
func (p Password) Store(keys config.Keys) ([]byte, error) {
	return json.Marshal(stored{Key: keys.Name, Ciphertext: p.Wrapped})
}

// Stored reads the wrapped password from the file beside a repository, which anybody may have written.
func Stored(content []byte, keys config.Keys) (string, error) {
	var file stored
	if err := json.Unmarshal(content, &file); err != nil {
		return "", errors.New("the file beside the repository is not a wrapped key")
	}
	if file.Key != keys.Name {
		return "", fmt.Errorf("the repository's key is wrapped by %.100q and not by %q", file.Key, keys.Name)
	}
	if _, err := Version(file.Ciphertext); err != nil {
		return "", fmt.Errorf("the file beside the repository: %w", err)
	}
	return file.Ciphertext, nil
}
