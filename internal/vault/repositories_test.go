package vault_test

import (
	"encoding/json"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// keyFile is what lies beside a repository of the environment, as a run of a backup makes it.
func (in *installation) keyFile(t *testing.T, of layout.Layout) []byte {
	t.Helper()
	secret, err := in.server.Root(t).Logical().Write(in.settings.TransitPath("datakey/plaintext", of.EncryptionKey.Name), nil)
	password := keys.Password{Wrapped: field(t, secret, err, "ciphertext")}
	content, err := password.Store(config.Keys{Name: of.EncryptionKey.Name})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// open unwraps the password of a repository from the file beside it, with all rights that there are.
func (in *installation) open(t *testing.T, of layout.Layout, keyFile []byte) (*api.Secret, error) {
	t.Helper()
	var file struct{ Ciphertext string }
	if err := json.Unmarshal(keyFile, &file); err != nil {
		t.Fatal(err)
	}
	return in.server.Root(t).Logical().Write(in.settings.DecryptPath(of.EncryptionKey.Name), body{"ciphertext": file.Ciphertext})
}

func TestTheOperatorMakesNoBackupUnreadableButByAShred(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	in.apply(t, want)
	repository := in.keyFile(t, want)
	for range 3 {
		if err := in.client.RotateKey(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	in.apply(t, want)
	operator, path := in.operatorToken(t), in.settings.TransitPath("keys", want.EncryptionKey.Name)
	for sentence, try := range map[string]func() error{
		"raise min_decryption_version": func() error { return write(operator, path+"/config", body{"min_decryption_version": 3}) },
		"raise it beside what it may": func() error {
			return write(operator, path+"/config", body{"min_decryption_version": 3, "deletion_allowed": false})
		},
		"raise min_encryption_version": func() error { return write(operator, path+"/config", body{"min_encryption_version": 3}) },
		"trim":                         func() error { return write(operator, path+"/trim", body{"min_available_version": 3}) },
	} {
		mustBeForbidden(t, sentence, try())
	}
	if state := in.observe(t, want); state.EncryptionKey.MinDecryptionVersion != 1 || state.EncryptionKey.LatestVersion != 4 {
		t.Errorf("after rotations: %+v", state.EncryptionKey)
	}
	if _, err := in.open(t, want, repository); err != nil {
		t.Errorf("what the first version has wrapped: %v", err)
	}

	if err := in.client.Shred(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if _, err := in.open(t, want, repository); err == nil {
		t.Error("a repository was opened after the shred")
	}
	in.apply(t, want)
	if _, err := in.open(t, want, repository); err == nil {
		t.Error("a new key of the same name has opened what the destroyed one had wrapped")
	}
}

func TestADrillLeavesNoKeyAtAll(t *testing.T) {
	in := install(t)
	want := environment("acme", "drill")
	in.apply(t, want)
	for range 2 {
		if err := in.client.Shred(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if err := in.client.DestroyEvidence(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if left := in.observe(t, want); left.EncryptionKey != nil || left.EvidenceKey != nil || left.DataKey != nil || len(left.Roles) > 0 {
			t.Errorf("left: %+v", left)
		}
	}
}
