package verify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/vault"
)

func (s source) keys(ctx context.Context) ([]ed25519.PublicKey, error) {
	if s.vaultKey != "" {
		return fromVault(ctx, s.vaultKey)
	}
	content, err := os.ReadFile(s.publicKey)
	if err != nil {
		return nil, err
	}
	key, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.publicKey, err)
	}
	return []ed25519.PublicKey{key}, nil
}

// parse reads a public key in PEM, or its 32 bytes in base64.
func parse(content []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(content)))
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return nil, errors.New("neither PEM nor 32 bytes in base64")
		}
		return raw, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("not an Ed25519 key")
	}
	return key, nil
}

// reader reads as a person does, with the environment that Vault's own command takes.
type reader struct{ client *api.Client }

func (r reader) Read(ctx context.Context, path string) (map[string]any, error) {
	answer, err := r.client.Logical().ReadWithContext(ctx, path)
	if answer == nil {
		return nil, err
	}
	return answer.Data, err
}

func fromVault(ctx context.Context, path string) ([]ed25519.PublicKey, error) {
	client, err := vault.ConnectAsPerson()
	if err != nil {
		return nil, err
	}
	public, err := keys.Evidence(ctx, reader{client}, config.Keys{EvidencePath: path})
	return slices.Collect(maps.Values(public)), err
}
