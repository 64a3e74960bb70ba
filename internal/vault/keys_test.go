package vault_test

import (
	"crypto/ed25519"
	"testing"
	"time"
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
	if err := write(root, in.settings.KVDataPath(want.Admin), body{"data": body{"password": "p"}, "options": body{"cas": 0}}); err != nil {
		t.Fatal(err)
	}

	for range 2 {
		if err := in.client.Shred(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(root, in.settings.DecryptPath(want.EncryptionKey.Name), body{"ciphertext": ciphertext}); err == nil {
		t.Error("a copy of the data key can still be unwrapped")
	}
	for _, path := range []string{want.DataKey.Path, want.Admin} {
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
	for cut := 1; cut <= 10; cut++ {
		in.requests.reset(nil)
		in.apply(t, want)
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
	}
}
