package vault_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

type body = map[string]any

func TestAComponentCanDoItsWork(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	in.apply(t, want)

	migrate := in.component(t, "crm-acme--prod", "migrate")
	for _, account := range []string{want.Admin, want.Adapter} {
		path := in.settings.KVDataPath(account)
		if err := write(migrate, path, body{"data": body{"password": "one"}, "options": body{"cas": 0}}); err != nil {
			t.Errorf("make %s: %v", account, err)
		}
		if err := read(migrate, path); err != nil {
			t.Errorf("read %s: %v", account, err)
		}
		mustBeForbidden(t, "replace "+account, write(migrate, path, body{"data": body{"password": "two"}, "options": body{"cas": 1}}))
	}

	web := in.component(t, "crm-acme--prod", "web")
	stored, err := web.Logical().Read(in.settings.KVDataPath(want.DataKey.Path))
	if err != nil {
		t.Fatalf("read the wrapped data key: %v", err)
	}
	ciphertext := stored.Data["data"].(map[string]any)["ciphertext"]
	opened, err := web.Logical().Write(in.settings.DecryptPath(want.EncryptionKey.Name), body{"ciphertext": ciphertext})
	if key, decodeErr := base64.StdEncoding.DecodeString(field(t, opened, err, "plaintext")); decodeErr != nil || len(key) != 32 {
		t.Errorf("the data key has %d bytes", len(key))
	}

	certificate := sign(t, web, in.settings.SignPath("crm-acme--prod.web"), "acme.prod.web.k", "web.crm-acme--prod.svc")
	if certificate.Subject.CommonName != "acme.prod.web.k" || len(certificate.ExtKeyUsage) != 2 {
		t.Errorf("certificate: %v, usages %v", certificate.Subject, certificate.ExtKeyUsage)
	}
	if lifetime := certificate.NotAfter.Sub(certificate.NotBefore); lifetime > in.settings.CertificateTTL*11/10 {
		t.Errorf("the certificate lives for %s", lifetime)
	}
}

func TestAComponentCannotDoWhatItDoesNotNeed(t *testing.T) {
	in := install(t)
	want, other := environment("acme", "prod"), environment("globex", "prod")
	in.apply(t, want)
	in.apply(t, other)
	database, web := in.component(t, "crm-acme--prod", "database"), in.component(t, "crm-acme--prod", "web")
	migrate := in.component(t, "crm-acme--prod", "migrate")
	for _, namespace := range []string{"crm-acme--prod", "crm-globex--prod"} {
		in.invite(t, namespace, li)
	}
	invitation, otherInvitation := layout.InvitationPath("crm-acme--prod", li), layout.InvitationPath("crm-globex--prod", li)
	foreign := wrapped(t, in, in.settings.KVDataPath(other.DataKey.Path))
	own := wrapped(t, in, in.settings.KVDataPath(want.DataKey.Path))

	refused := map[string]func() error{
		"a database unwraps the data key": func() error {
			return write(database, in.settings.DecryptPath(want.EncryptionKey.Name), body{"ciphertext": own})
		},
		"a database reads the wrapped data key":             func() error { return read(database, in.settings.KVDataPath(want.DataKey.Path)) },
		"an application reads the administrator":            func() error { return read(web, in.settings.KVDataPath(want.Admin)) },
		"an application reads crmkeep's own account":        func() error { return read(web, in.settings.KVDataPath(want.Adapter)) },
		"an application reads an invitation":                func() error { return read(web, in.settings.KVDataPath(invitation)) },
		"an application lists invitations":                  func() error { return list(web, in.settings.KVMetadataPath(want.Invitations)) },
		"a migration reads an invitation":                   func() error { return read(migrate, in.settings.KVDataPath(invitation)) },
		"a migration invites":                               func() error { return write(migrate, in.settings.KVDataPath(invitation), body{"data": body{}}) },
		"an application replaces the data key":              func() error { return write(web, in.settings.KVDataPath(want.DataKey.Path), body{"data": body{}}) },
		"an application has a sibling's certificate signed": func() error { return write(web, in.settings.SignPath("crm-acme--prod.database"), body{"csr": "x"}) },
		"an application signs evidence": func() error {
			return write(web, in.settings.TransitPath("sign", want.EvidenceKey.Name), body{"input": ""})
		},
		"an application exports the key": func() error {
			return read(web, in.settings.TransitPath("export/encryption-key", want.EncryptionKey.Name))
		},
		"another tenant's wrapped data key": func() error { return read(web, in.settings.KVDataPath(other.DataKey.Path)) },
		"another tenant's key": func() error {
			return write(web, in.settings.DecryptPath(other.EncryptionKey.Name), body{"ciphertext": foreign})
		},
		"another tenant's certificate":                       func() error { return write(web, in.settings.SignPath("crm-globex--prod.web"), body{"csr": "x"}) },
		"another tenant's account of crmkeep's":              func() error { return read(migrate, in.settings.KVDataPath(other.Adapter)) },
		"another tenant's invitation":                        func() error { return read(migrate, in.settings.KVDataPath(otherInvitation)) },
		"another tenant's administrator":                     func() error { return read(web, in.settings.KVDataPath(other.Admin)) },
		"a look at its own token, which default would allow": func() error { return read(web, "auth/token/lookup-self") },
	}
	for sentence, try := range refused {
		mustBeForbidden(t, sentence, try())
	}
}

func TestOnlyTheNamedServiceAccountOfTheNamedNamespaceLogsIn(t *testing.T) {
	in := install(t)
	in.apply(t, environment("acme", "prod"))
	role := in.settings.AuthRoleName("crm-acme--prod", "web")
	for sentence, account := range map[string][2]string{
		"another ServiceAccount":               {"crm-acme--prod", "database"},
		"another namespace":                    {"crm-globex--prod", "web"},
		"a namespace that starts alike":        {"crm-acme--prod2", "web"},
		"the home namespace, which people use": {"crm-acme", "web"},
	} {
		_, err := in.login(t, role, account[0], account[1])
		mustBeForbidden(t, sentence, err)
	}
	_, err := in.server.Client(t, "").Logical().Write(in.settings.LoginPath(), body{
		"role": role, "jwt": in.cluster.Token(t, "crm-acme--prod", "web", "https://kubernetes.default.svc"),
	})
	mustBeForbidden(t, "a token for the API server", err)
}

func TestACertificateCarriesNoNameButTheComponentsOwn(t *testing.T) {
	in := install(t)
	in.apply(t, environment("acme", "prod"))
	web := in.component(t, "crm-acme--prod", "web")
	path := in.settings.SignPath("crm-acme--prod.web")
	for sentence, names := range map[string]body{
		"a sibling's":       {"common_name": "acme.prod.database.k"},
		"another tenant's":  {"common_name": "globex.prod.web.k"},
		"a name below":      {"common_name": "evil.acme.prod.web.k"},
		"a wildcard":        {"common_name": "*.crm-acme--prod.svc"},
		"localhost":         {"common_name": "localhost"},
		"an address":        {"common_name": "acme.prod.web.k", "ip_sans": "127.0.0.1"},
		"a second name":     {"common_name": "acme.prod.web.k", "alt_names": "database.crm-acme--prod.svc"},
		"a URI":             {"common_name": "acme.prod.web.k", "uri_sans": "spiffe://acme"},
		"an e-mail address": {"common_name": "acme.prod.web.k", "alt_names": "a@acme.example"},
	} {
		names["csr"] = request(t, "acme.prod.web.k")
		if err := write(web, path, names); err == nil {
			t.Errorf("%s: was signed", sentence)
		}
	}
}

func TestTheOperatorReadsNoKeyAndNoPassword(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	in.apply(t, want)
	ciphertext := wrapped(t, in, in.settings.KVDataPath(want.DataKey.Path))
	key := want.EncryptionKey.Name
	operator := in.operatorToken(t)
	in.invite(t, "crm-acme--prod", li)
	invitation := layout.InvitationPath("crm-acme--prod", li)

	refused := map[string]func() error{
		"decrypt":                   func() error { return write(operator, in.settings.DecryptPath(key), body{"ciphertext": ciphertext}) },
		"encrypt":                   func() error { return write(operator, in.settings.TransitPath("encrypt", key), body{"plaintext": ""}) },
		"make a plaintext data key": func() error { return write(operator, in.settings.TransitPath("datakey/plaintext", key), nil) },
		"export":                    func() error { return read(operator, in.settings.TransitPath("export/encryption-key", key)) },
		"back up":                   func() error { return read(operator, in.settings.TransitPath("backup", key)) },
		"make exportable": func() error {
			return write(operator, in.settings.TransitPath("keys", key)+"/config", body{"exportable": true})
		},
		"make an exportable key": func() error {
			return write(operator, in.settings.TransitPath("keys", "new"), body{"type": layout.AES256, "exportable": true})
		},
		"import a key":           func() error { return write(operator, in.settings.TransitPath("keys", "new")+"/import", body{}) },
		"read the administrator": func() error { return read(operator, in.settings.KVDataPath(want.Admin)) },
		"read an invitation":     func() error { return read(operator, in.settings.KVDataPath(invitation)) },
		"read an invitation's metadata, which may be custom": func() error {
			return read(operator, in.settings.KVMetadataPath(invitation))
		},
		"bring an old invitation back": func() error {
			return write(operator, in.settings.KVMount()+"/undelete/"+invitation, body{"versions": []int{1}})
		},
		"make its own account": func() error {
			return write(operator, in.settings.KVDataPath(want.Adapter), body{"data": body{}, "options": body{"cas": 0}})
		},
		"list what an environment has": func() error { return list(operator, in.settings.KVMetadataPath("crm-acme--prod")) },
		"sign a certificate":           func() error { return write(operator, in.settings.SignPath("crm-acme--prod.web"), body{"csr": "x"}) },
		"issue a certificate":          func() error { return write(operator, in.settings.PKIMount()+"/issue/crm-acme--prod.web", body{}) },
		"write credentials of a location": func() error {
			return write(operator, in.settings.KVDataPath("locations/main"), body{"data": body{"accessKeyID": "x"}})
		},
		"delete credentials of a location": func() error {
			_, err := operator.Logical().Delete(in.settings.KVMetadataPath("locations/main"))
			return err
		},
		"read another engine": func() error { return read(operator, "secret/data/finance") },
	}
	for sentence, try := range refused {
		mustBeForbidden(t, sentence, try())
	}
}

func TestTheOperatorCannotGiveItselfMoreRights(t *testing.T) {
	in := install(t)
	in.apply(t, environment("acme", "prod"))
	operator := in.operatorToken(t)
	everything := `path "*" { capabilities = ["sudo", "read", "update"] }`
	role := in.settings.AuthRoleName("crm-acme--prod", "web")
	try := func(path string, change body) func() error {
		whole := body{
			"bound_service_account_names": "web", "bound_service_account_namespaces": "crm-acme--prod", "audience": "vault",
			"token_policies": string(in.settings.PolicyList()), "token_type": "batch", "token_no_default_policy": true,
		}
		for name, value := range change {
			whole[name] = value
		}
		return func() error { return write(operator, in.settings.AuthRolePath(path), whole) }
	}

	if err := try(role, nil)(); err != nil {
		t.Fatalf("the role that the others differ from: %v", err)
	}
	refused := map[string]func() error{
		"write a policy of its own name": func() error { return operator.Sys().PutPolicy("crmkeep-operator", everything) },
		"write a policy of a component": func() error {
			return operator.Sys().PutPolicy(in.settings.PolicyName(layout.GrantCertificate), everything)
		},
		"write a foreign policy":  func() error { return operator.Sys().PutPolicy("finance", everything) },
		"make a token":            func() error { return write(operator, "auth/token/create", body{"policies": "root"}) },
		"change its own role":     try("crmkeep-operator", nil),
		"write a foreign role":    try("finance", nil),
		"assign its own policy":   try(role, body{"token_policies": "crmkeep-operator"}),
		"assign a foreign policy": try(role, body{"token_policies": "finance"}),
		"let one component back up and restore": try(role, body{
			"token_policies": string(in.settings.PolicyList(layout.GrantBackup, layout.GrantRestore)),
		}),
		"append a foreign policy":           try(role, body{"token_policies": string(in.settings.PolicyList()) + ",finance"}),
		"append a policy as a list":         try(role, body{"token_policies": []string{string(in.settings.PolicyList()), "finance"}}),
		"use the old name of the parameter": try(role, body{"policies": "finance"}),
		"bind another namespace":            try(role, body{"bound_service_account_namespaces": "kube-system"}),
		"bind a second namespace":           try(role, body{"bound_service_account_namespaces": "crm-acme--prod,kube-system"}),
		"bind all of crmkeep's namespaces":  try(role, body{"bound_service_account_namespaces": "crm-*"}),
		"bind every ServiceAccount":         try(role, body{"bound_service_account_names": "*"}),
		"bind namespaces by label":          try(role, body{"bound_service_account_namespace_selector": "{}"}),
		"take any audience":                 try(role, body{"audience": ""}),
		"take any audience as a comma":      try(role, body{"audience": ","}),
		"take any audience as a space":      try(role, body{"audience": " "}),
		"take another audience":             try(role, body{"audience": "https://kubernetes.default.svc"}),
		"make default tokens":               try(role, body{"token_type": ""}),
		"bind no ServiceAccount in a list":  try(role, body{"bound_service_account_names": []string{"*"}}),
		"make tokens that can be renewed":   try(role, body{"token_type": "service"}),
		"reconfigure the auth method": func() error {
			return write(operator, "auth/kubernetes/config", body{"kubernetes_host": "https://evil.example"})
		},
		"change identities":      func() error { return write(operator, "identity/entity", body{"name": "x", "policies": "root"}) },
		"mount an engine":        func() error { return write(operator, "sys/mounts/new", body{"type": "kv"}) },
		"turn the audit log off": func() error { _, err := operator.Logical().Delete("sys/audit/file"); return err },
	}
	for sentence, attempt := range refused {
		mustBeForbidden(t, sentence, attempt())
	}
}

func read(client *api.Client, path string) error {
	_, err := client.Logical().Read(path)
	return err
}

func list(client *api.Client, path string) error {
	_, err := client.Logical().List(path)
	return err
}

func write(client *api.Client, path string, data body) error {
	_, err := client.Logical().Write(path, data)
	return err
}

func mustBeForbidden(t *testing.T, sentence string, err error) {
	t.Helper()
	var response *api.ResponseError
	if !errors.As(err, &response) || response.StatusCode != http.StatusForbidden {
		t.Errorf("%s: want a refusal, got %v", sentence, err)
	}
}

// request is a certificate request for a new key.
func request(t *testing.T, commonName string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: commonName}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// sign has a certificate signed and verifies its chain.
func sign(t *testing.T, client *api.Client, path, commonName, dnsName string) *x509.Certificate {
	t.Helper()
	secret, err := client.Logical().Write(path, body{"csr": request(t, commonName), "common_name": commonName, "alt_names": dnsName})
	block, _ := pem.Decode([]byte(field(t, secret, err, "certificate")))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	chain, _ := secret.Data["ca_chain"].([]any)
	for i, one := range chain {
		pool := intermediates
		if i == len(chain)-1 {
			pool = roots
		}
		pool.AppendCertsFromPEM([]byte(one.(string)))
	}
	_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, DNSName: dnsName})
	if err != nil || len(chain) != 2 {
		t.Errorf("a chain of %d does not verify: %v", len(chain), err)
	}
	return certificate
}
