package vault_test

import (
	"encoding/base64"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

const location = "locations/main"

// backedUp is an environment with the identities of backups, and of restores of them.
func backedUp(tenant, name string) layout.Layout {
	return environment(tenant, name,
		secrets.Component{Name: "backup", ServiceAccount: "backup", Run: layout.GrantBackup},
		secrets.Component{Name: "restore", ServiceAccount: naming.WorkloadNamespace(tenant, name), Run: layout.GrantRestore})
}

// withLocation makes the credentials of a location, as an administrator does.
func withLocation(t *testing.T, in *installation) {
	t.Helper()
	if err := write(in.server.Root(t), in.settings.KVDataPath(location), body{
		"data": body{"accessKeyID": "id", "secretAccessKey": "key"}, "options": body{"cas": 0},
	}); err != nil {
		t.Fatal(err)
	}
}

// password has the identity of a backup make one, and gives it wrapped.
func password(t *testing.T, in *installation, backup *api.Client, key string) (plaintext, ciphertext string) {
	t.Helper()
	made, err := backup.Logical().Write(in.settings.TransitPath("datakey/plaintext", key), nil)
	return field(t, made, err, "plaintext"), field(t, made, err, "ciphertext")
}

func mustRead(t *testing.T, client *api.Client, path string) {
	t.Helper()
	if secret, err := client.Logical().Read(path); err != nil || secret == nil {
		t.Errorf("read %s: %v, %v", path, secret, err)
	}
}

func TestABackupCanDoItsWork(t *testing.T) {
	in := install(t)
	want := backedUp("acme", "prod")
	in.apply(t, want)
	withLocation(t, in)
	backup := in.component(t, "crm-acme--prod", "backup")

	made, wrappedPassword := password(t, in, backup, want.EncryptionKey.Name)
	opened, err := backup.Logical().Write(in.settings.DecryptPath(want.EncryptionKey.Name), body{"ciphertext": wrappedPassword})
	if field(t, opened, err, "plaintext") != made {
		t.Error("the password that was unwrapped is another one")
	}
	manifest := base64.StdEncoding.EncodeToString([]byte("manifest"))
	signed, err := backup.Logical().Write(in.settings.TransitPath("sign", want.EvidenceKey.Name), body{"input": manifest})
	field(t, signed, err, "signature")
	for _, path := range []string{
		in.settings.TransitPath("keys", want.EvidenceKey.Name), in.settings.KVDataPath(want.DataKey.Path), in.settings.KVDataPath(location),
	} {
		mustRead(t, backup, path)
	}
	certificate := sign(t, backup, in.settings.SignPath("crm-acme--prod.backup"), "acme.prod.backup.k", "")
	if certificate.Subject.CommonName != "acme.prod.backup.k" {
		t.Errorf("certificate: %v", certificate.Subject)
	}
}

func TestABackupCannotDoWhatItDoesNotNeed(t *testing.T) {
	in := install(t)
	want, other := backedUp("acme", "prod"), backedUp("globex", "prod")
	in.apply(t, want)
	in.apply(t, other)
	withLocation(t, in)
	backup := in.component(t, "crm-acme--prod", "backup")
	_, foreign := password(t, in, in.component(t, "crm-globex--prod", "backup"), other.EncryptionKey.Name)

	refused := map[string]func() error{
		"unwrap another tenant's password": func() error {
			return write(backup, in.settings.DecryptPath(other.EncryptionKey.Name), body{"ciphertext": foreign})
		},
		"make a password of another tenant's": func() error {
			return write(backup, in.settings.TransitPath("datakey/plaintext", other.EncryptionKey.Name), nil)
		},
		"sign as another tenant": func() error {
			return write(backup, in.settings.TransitPath("sign", other.EvidenceKey.Name), body{"input": ""})
		},
		"read another tenant's wrapped data key": func() error { return read(backup, in.settings.KVDataPath(other.DataKey.Path)) },
		"replace the data key": func() error {
			return write(backup, in.settings.KVDataPath(want.DataKey.Path), body{"data": body{}})
		},
		"read the administrator": func() error { return read(backup, in.settings.KVDataPath(want.Admin)) },
		"write a location's credentials": func() error {
			return write(backup, in.settings.KVDataPath(location), body{"data": body{}, "options": body{"cas": 1}})
		},
		"delete a location's credentials": func() error {
			_, err := backup.Logical().Delete(in.settings.KVMetadataPath(location))
			return err
		},
		"list the locations": func() error {
			_, err := backup.Logical().List(in.settings.KVMetadataPath("locations"))
			return err
		},
		"rotate the key": func() error {
			return write(backup, in.settings.TransitPath("keys", want.EncryptionKey.Name)+"/rotate", nil)
		},
		"destroy the key": func() error {
			return write(backup, in.settings.TransitPath("keys", want.EncryptionKey.Name)+"/config", body{})
		},
		"be the database":  func() error { return write(backup, in.settings.SignPath("crm-acme--prod.database"), body{"csr": "x"}) },
		"be the migration": func() error { return write(backup, in.settings.SignPath("crm-acme--prod.migrate"), body{"csr": "x"}) },
	}
	for sentence, try := range refused {
		mustBeForbidden(t, sentence, try())
	}
}

// copyOf is an environment that is restored from the backups of another of the same tenant.
func copyOf(source layout.Layout, tenant, name, namespace string) layout.Layout {
	return secrets.Layout(layout.Default(), secrets.Environment{
		Tenant: tenant, Name: name, Namespace: namespace,
		Components: []secrets.Component{{Name: "restore", ServiceAccount: source.EncryptionKey.Name, Run: layout.GrantRestore}},
	})
}

func TestARestoreReadsTheBackupsOfTheEnvironmentThatItsServiceAccountIsNamedAfterAndNothingElse(t *testing.T) {
	in := install(t)
	source, other := backedUp("acme", "prod"), backedUp("globex", "prod")
	drill := copyOf(source, "acme", "drill", "crm-acme--drill")
	for _, one := range []layout.Layout{source, other, drill} {
		in.apply(t, one)
	}
	withLocation(t, in)
	made, wrappedPassword := password(t, in, in.component(t, "crm-acme--prod", "backup"), source.EncryptionKey.Name)
	_, foreign := password(t, in, in.component(t, "crm-globex--prod", "backup"), other.EncryptionKey.Name)
	restore := in.component(t, "crm-acme--drill", "crm-acme--prod")

	opened, err := restore.Logical().Write(in.settings.DecryptPath(source.EncryptionKey.Name), body{"ciphertext": wrappedPassword})
	if field(t, opened, err, "plaintext") != made {
		t.Error("the password that was unwrapped is another one")
	}
	wrapped, err := restore.Logical().Write(in.settings.TransitPath("encrypt", drill.EncryptionKey.Name), body{"plaintext": made})
	own := body{"data": body{"ciphertext": field(t, wrapped, err, "ciphertext")}, "options": body{"cas": 0}}
	if err := write(restore, in.settings.KVDataPath(drill.DataKey.Path), own); err != nil {
		t.Errorf("the data key of its own environment cannot be written: %v", err)
	}
	mustRead(t, restore, in.settings.KVDataPath(drill.DataKey.Path))
	mustRead(t, restore, in.settings.TransitPath("keys", source.EvidenceKey.Name))
	mustRead(t, restore, in.settings.KVDataPath(location))
	certificate := sign(t, restore, in.settings.SignPath("crm-acme--drill.crm-acme--prod"), "acme.drill.restore.k", "")
	if certificate.Subject.CommonName != "acme.drill.restore.k" {
		t.Errorf("certificate: %v", certificate.Subject)
	}

	refused := map[string]func() error{
		"unwrap another tenant's password": func() error {
			return write(restore, in.settings.DecryptPath(other.EncryptionKey.Name), body{"ciphertext": foreign})
		},
		"unwrap with its own environment's key": func() error {
			return write(restore, in.settings.DecryptPath(drill.EncryptionKey.Name), body{"ciphertext": wrappedPassword})
		},
		"wrap with the source's key": func() error {
			return write(restore, in.settings.TransitPath("encrypt", source.EncryptionKey.Name), body{"plaintext": made})
		},
		"wrap with another tenant's key": func() error {
			return write(restore, in.settings.TransitPath("encrypt", other.EncryptionKey.Name), body{"plaintext": made})
		},
		"replace the data key of its own environment": func() error {
			own["options"] = body{"cas": 1}
			return write(restore, in.settings.KVDataPath(drill.DataKey.Path), own)
		},
		"write the source's data key":     func() error { return write(restore, in.settings.KVDataPath(source.DataKey.Path), own) },
		"write another tenant's data key": func() error { return write(restore, in.settings.KVDataPath(other.DataKey.Path), own) },
		"delete the data key of its own environment": func() error {
			_, err := restore.Logical().Delete(in.settings.KVMetadataPath(drill.DataKey.Path))
			return err
		},
		"read the administrator of its own environment": func() error { return read(restore, in.settings.KVDataPath(drill.Admin)) },
		"make a password": func() error {
			return write(restore, in.settings.TransitPath("datakey/plaintext", source.EncryptionKey.Name), nil)
		},
		"sign a manifest of the source": func() error {
			return write(restore, in.settings.TransitPath("sign", source.EvidenceKey.Name), body{"input": ""})
		},
		"read the source's wrapped data key": func() error { return read(restore, in.settings.KVDataPath(source.DataKey.Path)) },
		"read the source's administrator":    func() error { return read(restore, in.settings.KVDataPath(source.Admin)) },
		"write a location's credentials": func() error {
			return write(restore, in.settings.KVDataPath(location), body{"data": body{}, "options": body{"cas": 1}})
		},
		"have the source's certificate signed": func() error {
			return write(restore, in.settings.SignPath("crm-acme--prod.crm-acme--prod"), body{"csr": "x"})
		},
	}
	for sentence, try := range refused {
		mustBeForbidden(t, sentence, try())
	}
}

// A key that came into being by being used would have settings that nobody chose.
func TestARestoreMakesNoKeyByUsingIt(t *testing.T) {
	in := install(t)
	source := backedUp("acme", "prod")
	in.apply(t, source)
	drill := copyOf(source, "acme", "drill", "crm-acme--drill")
	in.apply(t, drill)
	root := in.server.Root(t)
	if err := write(root, in.settings.TransitPath("keys", drill.EncryptionKey.Name)+"/config", body{"deletion_allowed": true}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Logical().Delete(in.settings.TransitPath("keys", drill.EncryptionKey.Name)); err != nil {
		t.Fatal(err)
	}
	restore := in.component(t, "crm-acme--drill", "crm-acme--prod")
	mustBeForbidden(t, "wrap with a key that is not there",
		write(restore, in.settings.TransitPath("encrypt", drill.EncryptionKey.Name), body{"plaintext": ""}))
}

func TestNobodyRestoresAsAnEnvironmentsSourceFromAnotherNamespace(t *testing.T) {
	in := install(t)
	in.apply(t, backedUp("acme", "prod"))
	in.apply(t, backedUp("globex", "prod"))
	for sentence, as := range map[string][2]string{
		"another tenant's pod with that ServiceAccount":      {"crm-globex--prod", "crm-acme--prod"},
		"a pod of the environment with another's":            {"crm-acme--prod", "crm-globex--prod"},
		"the backup of the environment, which reads as well": {"crm-acme--prod", "backup"},
	} {
		_, err := in.login(t, in.settings.AuthRoleName("crm-acme--prod", "crm-acme--prod"), as[0], as[1])
		mustBeForbidden(t, sentence, err)
	}
}
