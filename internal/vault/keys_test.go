package vault_test

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

func TestARotationIsVisibleAndTheDataKeyStaysTheSameAfterRewrapping(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	before := in.apply(t, want)
	if before.EncryptionKey.LatestVersion != 1 || before.DataKey.KeyVersion != 1 || time.Since(before.EncryptionKey.LastRotation()) > time.Minute {
		t.Fatalf("before: %+v", before.EncryptionKey)
	}
	web := in.component(t, "crm-acme--prod", "web")
	dataKey := func() string {
		secret, err := web.Logical().Write(in.settings.DecryptPath(want.EncryptionKey.Name), body{
			"ciphertext": wrapped(t, in, in.settings.KVDataPath(want.DataKey.Path)),
		})
		return field(t, secret, err, "plaintext")
	}
	plaintext := dataKey()

	if err := in.client.RotateKey(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	rotated := in.observe(t, want)
	if rotated.EncryptionKey.LatestVersion != 2 || rotated.EncryptionKey.MinDecryptionVersion != 1 || rotated.DataKey.KeyVersion != 1 {
		t.Errorf("after the rotation: %+v, data key by version %d", rotated.EncryptionKey, rotated.DataKey.KeyVersion)
	}
	if changed, err := in.client.Apply(t.Context(), want, rotated); changed || err != nil {
		t.Errorf("a rotation counts as a difference: %t, %v", changed, err)
	}

	if err := in.client.RewrapDataKey(t.Context(), want, rotated); err != nil {
		t.Fatal(err)
	}
	rewrapped := in.observe(t, want)
	if rewrapped.DataKey.KeyVersion != 2 || dataKey() != plaintext {
		t.Errorf("after rewrapping: by version %d, same key %t", rewrapped.DataKey.KeyVersion, dataKey() == plaintext)
	}
	in.requests.reset(nil)
	if err := in.client.RewrapDataKey(t.Context(), want, rewrapped); err != nil {
		t.Fatal(err)
	}
	if _, writes, _ := in.requests.counts(); writes != 0 {
		t.Errorf("rewrapping what is up to date took %d writes", writes)
	}
	if err := in.client.RewrapDataKey(t.Context(), want, rotated); err == nil {
		t.Error("rewrapped over a newer revision")
	}
}

// asRun is Vault as a run asks it.
type asRun struct{ *api.Client }

func (v asRun) Read(ctx context.Context, path string) (map[string]any, error) {
	return dataOf(v.Logical().ReadWithContext(ctx, path))
}

func (v asRun) Write(ctx context.Context, path string, content map[string]any) (map[string]any, error) {
	return dataOf(v.Logical().WriteWithContext(ctx, path, content))
}

func dataOf(secret *api.Secret, err error) (map[string]any, error) {
	if err != nil || secret == nil {
		return nil, err
	}
	return secret.Data, nil
}

func TestARestoreKnowsTheDataKeyOfItsCopyAgainAfterARotation(t *testing.T) {
	in := install(t)
	source := backedUp("acme", "prod")
	drill := copyOf(source, "acme", "drill", "crm-acme--drill")
	in.apply(t, source)
	in.apply(t, drill)
	restore := asRun{in.component(t, "crm-acme--drill", "crm-acme--prod")}
	paths := config.Keys{
		DecryptPath: in.settings.DecryptPath(source.EncryptionKey.Name), RewrapPath: in.settings.TransitPath("encrypt", drill.EncryptionKey.Name),
		RewrappedPath: in.settings.KVDataPath(drill.DataKey.Path),
	}
	ofBackup := wrapped(t, in, in.settings.KVDataPath(source.DataKey.Path))
	if err := keys.Rewrap(t.Context(), restore, paths, ofBackup); err != nil {
		t.Fatal(err)
	}
	if err := in.client.RotateKey(t.Context(), drill); err != nil {
		t.Fatal(err)
	}
	if err := in.client.RewrapDataKey(t.Context(), drill, in.observe(t, drill)); err != nil {
		t.Fatal(err)
	}
	if version := in.observe(t, drill).DataKey.KeyVersion; version != 2 {
		t.Errorf("the data key is wrapped by version %d", version)
	}
	if there, err := keys.Rewrapped(t.Context(), restore, paths, ofBackup); !there || err != nil {
		t.Errorf("the next attempt finds its data key: %t, %v", there, err)
	}
}

func TestEvidenceIsVerifiedWithoutVault(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	in.apply(t, want)
	evidence := []byte("restored 208 tables")
	signature, err := in.client.Sign(t.Context(), want, evidence)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := in.client.PublicKeys(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(keys[signature.KeyVersion], evidence, signature.Bytes) {
		t.Error("the signature does not verify")
	}
	if ed25519.Verify(keys[signature.KeyVersion], []byte("restored 209 tables"), signature.Bytes) {
		t.Error("other evidence verifies")
	}
}

func TestRemoveTakesEveryLoginAndKeepsKeysAndSecrets(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	before := in.apply(t, want)
	for range 2 {
		if err := in.client.Remove(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := in.login(t, in.settings.AuthRoleName("crm-acme--prod", "web"), "crm-acme--prod", "web"); err == nil {
		t.Error("a component still logs in")
	}
	state := in.observe(t, want)
	if len(state.Roles) != 0 || state.EncryptionKey == nil || state.EvidenceKey == nil || state.DataKey == nil {
		t.Errorf("state: %+v", state)
	}
	if after := in.apply(t, want); *after.DataKey != *before.DataKey {
		t.Error("the environment that took up its data again has another data key")
	}
}

func TestAShredLeavesNothingThatDecryptsAndKeepsTheEvidenceKey(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	in.apply(t, want)
	root := in.server.Root(t)
	ciphertext := wrapped(t, in, in.settings.KVDataPath(want.DataKey.Path))
	in.makeAccounts(t, want)

	for range 2 {
		if err := in.client.Shred(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(root, in.settings.DecryptPath(want.EncryptionKey.Name), body{"ciphertext": ciphertext}); err == nil {
		t.Error("a copy of the data key can still be unwrapped")
	}
	for _, path := range []string{want.DataKey.Path, want.Admin, want.Adapter, layout.InvitationPath("crm-acme--prod", li), layout.InvitationPath("crm-acme--prod", bo)} {
		if secret, err := root.Logical().Read(in.settings.KVMetadataPath(path)); err != nil || secret != nil {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if _, err := in.client.Sign(t.Context(), want, []byte("certificate of destruction")); err != nil {
		t.Errorf("the evidence key: %v", err)
	}

	// An environment of the same name starts anew: the old copies stay unreadable.
	in.apply(t, want)
	if err := write(root, in.settings.DecryptPath(want.EncryptionKey.Name), body{"ciphertext": ciphertext}); err == nil {
		t.Error("the new key unwraps the old data key")
	}
}

func TestAnInterruptedShredIsCompletedWhereverItWasCut(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	for cut := 1; cut <= 13; cut++ {
		in.requests.reset(nil)
		in.apply(t, want)
		in.makeAccounts(t, want)
		in.requests.reset(func(n int) bool { return n != cut })
		if err := in.client.Shred(t.Context(), want); err == nil {
			t.Fatalf("write %d was cut and nobody noticed", cut)
		}
		in.requests.reset(nil)
		if err := in.client.Shred(t.Context(), want); err != nil {
			t.Fatalf("cut at write %d: %v", cut, err)
		}
		if state := in.observe(t, want); state.EncryptionKey != nil || state.DataKey != nil || len(state.Roles) != 0 {
			t.Errorf("cut at write %d: %+v", cut, state)
		}
		for _, path := range []string{"crm-acme--prod", want.Invitations} {
			if left, err := in.server.Root(t).Logical().List(in.settings.KVMetadataPath(path)); err != nil || left != nil {
				t.Errorf("cut at write %d: left below %s: %v, %v", cut, path, left, err)
			}
		}
	}
}
