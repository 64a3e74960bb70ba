package controllers

import (
	"context"
	"crypto/ed25519"

	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Signer signs evidence with the key of an environment, and tells what verifies it.
type Signer interface {
	Sign(ctx context.Context, of layout.Layout, evidence []byte) (vault.Signature, error)
	PublicKeys(ctx context.Context, of layout.Layout) (map[int64]ed25519.PublicKey, error)
}

// sign has Vault sign a statement with the evidence key of an environment, and gives it with what verifies it.
func sign(ctx context.Context, by Signer, of layout.Layout, statement string) (evidence.Certificate, error) {
	signature, err := by.Sign(ctx, of, []byte(statement))
	if err != nil {
		return evidence.Certificate{}, err
	}
	keys, err := by.PublicKeys(ctx, of)
	if err != nil {
		return evidence.Certificate{}, err
	}
	return evidence.Certificate{Statement: statement, Signature: signature.Bytes, PublicKey: keys[signature.KeyVersion]}, nil
}
