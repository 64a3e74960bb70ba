package controllers

import (
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// lossPoll is when to look again whether a key was brought back.
const lossPoll = time.Minute

// hadKeys is what is known from before of an environment's keys: versions that were seen, 0 for none.
type hadKeys struct{ key, dataKey int64 }

// had reads it from the status, or for an environment that takes data up again from the data: without a status nobody counted the
// versions, and there was one.
func had(env *v1alpha1.CRMEnvironment, seen *facts.Environment) hadKeys {
	if known := env.Status.Encryption; known != nil && known.KeyVersion > 0 {
		return hadKeys{key: known.KeyVersion, dataKey: known.DataKeyVersion}
	}
	if seen.RecordedVersion != "" {
		return hadKeys{key: 1, dataKey: 1}
	}
	return hadKeys{}
}

// lost refuses to go on without a key that was there. A new one in its place would make the loss of what the old one has encrypted
// final, and nobody would be told.
func (h hadKeys) lost(want layout.Layout, have vault.State) error {
	const remedy = "bring it back from a snapshot of Vault; crmkeep does not make a new one, because what the old one has encrypted would be lost"
	switch {
	case h.key > 0 && have.EncryptionKey == nil:
		return outcome.Wait(vault.ReasonKeyLost, lossPoll, "the environment's key %s is gone from Vault: %s", want.EncryptionKey.Name, remedy)
	case have.EncryptionKey != nil && have.EncryptionKey.LatestVersion < h.key:
		return outcome.Wait(vault.ReasonKeyLost, lossPoll, "the environment's key %s has %d versions in Vault and had %d: %s",
			want.EncryptionKey.Name, have.EncryptionKey.LatestVersion, h.key, remedy)
	case h.dataKey > 0 && want.DataKey.Wanted && have.DataKey == nil:
		return outcome.Wait(vault.ReasonKeyLost, lossPoll, "the wrapped data key %s is gone from Vault: %s", want.DataKey.Path, remedy)
	}
	return nil
}
