package vault_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

func TestApplyingTwiceWritesNothingTheSecondTime(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")

	state := in.apply(t, want)
	_, writes, _ := in.requests.counts()
	if writes != 10 {
		t.Errorf("the first time took %d writes, want 10: 2 keys, 2 for the data key, 6 roles", writes)
	}
	for _, role := range want.Roles {
		if diff := cmp.Diff(vault.Role{PKI: &role.PKI, Auth: &role.Auth}, state.Roles[role.PKI.Name]); diff != "" {
			t.Errorf("role %s in Vault differs (-want +got):\n%s", role.PKI.Name, diff)
		}
	}

	in.requests.reset(nil)
	changed, err := in.client.Apply(t.Context(), want, in.observe(t, want))
	reads, writes, logins := in.requests.counts()
	if err != nil || changed || writes != 0 {
		t.Errorf("the second time: changed %t, %d writes, %v", changed, writes, err)
	}
	if reads != 9 || logins != 1 {
		t.Errorf("%d reads, %d logins; want 9 and 1", reads, logins)
	}
}

func TestEnvironmentsThatAreLookedAtTogetherShareOneListOfRoles(t *testing.T) {
	in := install(t)
	in.observe(t, environment("acme", "prod"))
	in.requests.reset(nil)
	for _, name := range []string{"test", "stage", "trial"} {
		in.observe(t, environment("acme", name))
	}
	if reads, _, _ := in.requests.counts(); reads != 9 {
		t.Errorf("%d reads, want 9: two keys and a data key for each", reads)
	}
}

func TestAnInterruptedApplyIsCompletedWhereverItWasCut(t *testing.T) {
	in := install(t)
	complete := in.apply(t, environment("acme", "prod"))
	for cut := 1; cut <= 10; cut++ {
		want := environment("acme", "cut"+string(rune('a'+cut)))
		in.requests.reset(func(n int) bool { return n != cut })
		if _, err := in.client.Apply(t.Context(), want, in.observe(t, want)); err == nil {
			t.Fatalf("write %d was cut and nobody noticed", cut)
		}
		in.requests.reset(nil)
		state := in.apply(t, want)
		if len(state.Roles) != len(complete.Roles) || state.DataKey == nil || state.EvidenceKey == nil {
			t.Errorf("cut at write %d: state is %+v", cut, state)
		}
		if changed, err := in.client.Apply(t.Context(), want, state); changed || err != nil {
			t.Errorf("cut at write %d: not complete: %t, %v", cut, changed, err)
		}
	}
}

func TestWhatWasChangedByHandIsCorrected(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	in.apply(t, want)
	root := in.server.Root(t).Logical()
	role := want.Roles[0]
	for path, body := range map[string]map[string]any{
		in.settings.PKIRolePath(role.PKI.Name):                               {"allow_any_name": true, "key_type": "any"},
		in.settings.AuthRolePath(role.Auth.Name):                             {"bound_service_account_names": "*", "bound_service_account_namespaces": "*"},
		in.settings.TransitPath("keys", want.EncryptionKey.Name) + "/config": {"deletion_allowed": true, "auto_rotate_period": 0},
	} {
		if _, err := root.Write(path, body); err != nil {
			t.Fatal(err)
		}
	}

	in.requests.reset(nil)
	state := in.apply(t, want)
	if _, writes, _ := in.requests.counts(); writes != 3 {
		t.Errorf("%d writes, want 3", writes)
	}
	if diff := cmp.Diff(vault.Role{PKI: &role.PKI, Auth: &role.Auth}, state.Roles[role.PKI.Name]); diff != "" {
		t.Error(diff)
	}
	if state.EncryptionKey.DeletionAllowed || state.EncryptionKey.AutoRotatePeriod != want.EncryptionKey.AutoRotatePeriod {
		t.Errorf("the key is %+v", state.EncryptionKey)
	}
}

func TestTheRolesOfAComponentThatIsGoneAreRemovedAndNobodyElses(t *testing.T) {
	in := install(t)
	want, other := environment("acme", "prod"), environment("acme", "pro")
	in.apply(t, want)
	in.apply(t, other)
	gone := want.Roles[2]
	want.Roles = want.Roles[:2]

	if state := in.observe(t, want); !cmp.Equal(state.Stale, []string{gone.PKI.Name}) {
		t.Fatalf("stale: %q", state.Stale)
	}
	in.apply(t, want)
	for _, path := range []string{in.settings.PKIRolePath(gone.PKI.Name), in.settings.AuthRolePath(gone.Auth.Name)} {
		if secret, err := in.server.Root(t).Logical().Read(path); err != nil || secret != nil {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if changed, err := in.client.Apply(t.Context(), other, in.observe(t, other)); changed || err != nil {
		t.Errorf("the other environment was touched: %t, %v", changed, err)
	}
}

func TestTwoThatMakeTheDataKeyAtTheSameTimeKeepOne(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	empty := in.observe(t, want)
	in.apply(t, want)
	path := in.settings.KVDataPath(want.DataKey.Path)
	first := wrapped(t, in, path)

	// Somebody who observed before the first had written.
	if _, err := in.client.Apply(t.Context(), want, empty); err != nil {
		t.Fatal(err)
	}
	if wrapped(t, in, path) != first {
		t.Error("the data key was replaced")
	}
}

func TestAKeyThatIsNotAsWeMakeItIsNeverUsed(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	cases := map[string]map[string]any{
		"exportable":      {"type": layout.AES256, "exportable": true},
		"plaintextBackup": {"type": layout.AES256, "allow_plaintext_backup": true},
		"anotherType":     {"type": "chacha20-poly1305"},
		"derived":         {"type": layout.AES256, "derived": true},
	}
	for name, body := range cases {
		t.Run(name, func(t *testing.T) {
			want := want
			want.EncryptionKey.Name = name
			if _, err := in.server.Root(t).Logical().Write(in.settings.TransitPath("keys", name), body); err != nil {
				t.Fatal(err)
			}
			in.requests.reset(nil)
			_, err := in.client.Apply(t.Context(), want, in.observe(t, want))
			mustWait(t, err, vault.ReasonNameClash, name)
			if _, writes, _ := in.requests.counts(); writes != 0 {
				t.Errorf("%d writes", writes)
			}
		})
	}
}

func TestALostKeyIsNeverReplacedUnderDataThatNeedsIt(t *testing.T) {
	in := install(t)
	root := in.server.Root(t).Logical()

	noKey := environment("acme", "nokey")
	in.apply(t, noKey)
	path := in.settings.TransitPath("keys", noKey.EncryptionKey.Name)
	if _, err := root.Write(path+"/config", map[string]any{"deletion_allowed": true}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Delete(path); err != nil {
		t.Fatal(err)
	}
	_, err := in.client.Apply(t.Context(), noKey, in.observe(t, noKey))
	mustWait(t, err, vault.ReasonKeyLost, noKey.EncryptionKey.Name)

	deleted := environment("acme", "deleted")
	in.apply(t, deleted)
	if _, err := root.Delete(in.settings.KVDataPath(deleted.DataKey.Path)); err != nil {
		t.Fatal(err)
	}
	_, err = in.client.Observe(t.Context(), deleted)
	mustWait(t, err, vault.ReasonKeyLost, "undelete")
}

func wrapped(t *testing.T, in *installation, path string) string {
	t.Helper()
	secret, err := in.server.Root(t).Logical().Read(path)
	if err != nil || secret == nil {
		t.Fatalf("%s: %v", path, err)
	}
	data, _ := secret.Data["data"].(map[string]any)
	ciphertext, _ := data["ciphertext"].(string)
	return ciphertext
}
