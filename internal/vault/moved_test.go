package vault_test

import "testing"

// docs/how-to/move-to-another-cluster.md depends on it.
func TestAnotherClusterTakesAnInstallationOverWithItsKeys(t *testing.T) {
	first := install(t)
	want := environment("acme", "prod")
	before := first.apply(t, want)
	ciphertext := wrapped(t, first, first.settings.KVDataPath(want.DataKey.Path))
	settings := first.settings
	settings.AuthMount = "kubernetes-2"

	second := installInto(t, first.server, settings)
	found := second.observe(t, want)
	if !found.EncryptionKey.Created().Equal(before.EncryptionKey.Created()) || found.EncryptionKey.LatestVersion != 1 {
		t.Errorf("the key: %+v", found.EncryptionKey)
	}
	if after := second.apply(t, want); *after.DataKey != *before.DataKey {
		t.Error("another data key")
	}
	unwrap := func(in *installation) error {
		return write(in.component(t, "crm-acme--prod", "web"), in.settings.DecryptPath(want.EncryptionKey.Name), body{"ciphertext": ciphertext})
	}
	if err := unwrap(second); err != nil {
		t.Errorf("a component of the new cluster: %v", err)
	}
	mustBeForbidden(t, "a component of the old cluster", unwrap(first))
}
