package vault

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// RotateKey gives the encryption key a new version. What older versions encrypted stays readable.
func (c *Client) RotateKey(ctx context.Context, of layout.Layout) error {
	_, err := c.call(ctx, request{opWrite, c.settings.TransitPath("keys", of.EncryptionKey.Name) + "/rotate", struct{}{}})
	return err
}

// RewrapDataKey wraps the data key with the newest version of the encryption key; the data key itself stays the same. It writes
// nothing when that is so already. Vault does it inside: no plaintext comes out.
func (c *Client) RewrapDataKey(ctx context.Context, of layout.Layout, have State) error {
	if have.DataKey == nil || have.EncryptionKey == nil || have.DataKey.KeyVersion >= have.EncryptionKey.LatestVersion {
		return nil
	}
	type wrapped struct {
		Ciphertext string `json:"ciphertext"`
	}
	rewrapped, err := write[wrapped](ctx, c, c.settings.TransitPath("rewrap", of.EncryptionKey.Name), wrapped{have.DataKey.stored.Ciphertext})
	if err != nil {
		return err
	}
	stored := storedDataKey{Ciphertext: rewrapped.Ciphertext, Source: have.DataKey.stored.Source}
	return c.storeDataKey(ctx, of.DataKey.Path, stored, have.DataKey.revision)
}

// Signature of a piece of evidence.
type Signature struct {
	// KeyVersion of the evidence key.
	KeyVersion int64
	// Bytes of an Ed25519 signature.
	Bytes []byte
}

// Sign signs with the environment's evidence key.
func (c *Client) Sign(ctx context.Context, of layout.Layout, evidence []byte) (Signature, error) {
	type signed struct{ Signature string }
	answer, err := write[signed](ctx, c, c.settings.TransitPath("sign", of.EvidenceKey.Name), map[string]any{
		"input": base64.StdEncoding.EncodeToString(evidence),
	})
	if err != nil {
		return Signature{}, err
	}
	return parseSignature(answer.Signature)
}

// PublicKeys are the public halves of the evidence key, by version: with them anybody can verify evidence, without Vault.
func (c *Client) PublicKeys(ctx context.Context, of layout.Layout) (map[int64]ed25519.PublicKey, error) {
	key, err := c.key(ctx, of.EvidenceKey.Name)
	if err != nil || key == nil {
		return nil, err
	}
	keys := map[int64]ed25519.PublicKey{}
	for number, version := range key.Versions {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("version of key %s: %w", of.EvidenceKey.Name, err)
		}
		public, err := base64.StdEncoding.DecodeString(version.publicKey)
		if err != nil || len(public) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("version %d of key %s has no Ed25519 public key", n, of.EvidenceKey.Name)
		}
		keys[n] = public
	}
	return keys, nil
}

// parseSignature reads "vault:v1:<base64>".
func parseSignature(text string) (Signature, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) == 3 && parts[0] == "vault" {
		version, err := strconv.ParseInt(strings.TrimPrefix(parts[1], "v"), 10, 64)
		raw, decodeErr := base64.StdEncoding.DecodeString(parts[2])
		if err == nil && decodeErr == nil && len(raw) == ed25519.SignatureSize {
			return Signature{KeyVersion: version, Bytes: raw}, nil
		}
	}
	return Signature{}, errors.New("vault: the answer holds no Ed25519 signature")
}

// Authorities are the CA certificates, PEM, that every component's certificate chains to.
func (c *Client) Authorities(ctx context.Context) ([]byte, error) {
	chain, err := read[struct {
		Certificate string `json:"certificate"`
	}](ctx, c, c.settings.PKIMount()+"/cert/ca_chain")
	if err != nil {
		return nil, err
	}
	if chain == nil {
		return nil, wait(ReasonNotPrepared, time.Minute, "Vault has no CA at %s: %s", c.settings.PKIMount(), bootstrapHint)
	}
	return []byte(chain.Certificate), nil
}
