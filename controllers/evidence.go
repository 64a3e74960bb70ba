package controllers

import (
	"context"

	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// sign has Vault sign a statement with the evidence key of an environment, and gives it with what verifies it.
func sign(ctx context.Context, vault Vault, of layout.Layout, statement string) (evidence.Certificate, error) {
	signature, err := vault.Sign(ctx, of, []byte(statement))
	if err != nil {
		return evidence.Certificate{}, err
	}
	keys, err := vault.PublicKeys(ctx, of)
	if err != nil {
		return evidence.Certificate{}, err
	}
	return evidence.Certificate{Statement: statement, Signature: signature.Bytes, PublicKey: keys[signature.KeyVersion]}, nil
}
