package vault_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

func mustWait(t *testing.T, err error, reason, mention string) {
	t.Helper()
	waiting, ok := outcome.AsWaiting(err)
	if !ok {
		t.Fatalf("want a wait with %s, got %v", reason, err)
	}
	if waiting.Reason != reason || !strings.Contains(waiting.Message, mention) {
		t.Errorf("want %s that mentions %q, got %v", reason, mention, waiting)
	}
	if waiting.After <= 0 {
		t.Error("the wait has no end")
	}
}

func TestASealedVaultIsAWaitBeforeAndAfterTheLoginAndEndsByItself(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")

	in.server.Seal(t)
	_, err := in.client.Observe(t.Context(), want)
	mustWait(t, err, vault.ReasonSealed, "unseal")

	in.server.Unseal(t)
	state := in.observe(t, want)
	in.server.Seal(t)
	_, err = in.client.Apply(t.Context(), want, state)
	mustWait(t, err, vault.ReasonSealed, "unseal")

	in.server.Unseal(t)
	in.apply(t, want)
}

func TestAVaultThatIsNotThereIsAWaitAndOneThatRestartsIsFoundAgain(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	client := in.operator(t, in.server.Address)
	if _, err := client.Observe(t.Context(), want); err != nil {
		t.Fatal(err)
	}

	in.server.Stop(t)
	_, err := client.Observe(t.Context(), want)
	mustWait(t, err, vault.ReasonUnreachable, "connection refused")

	in.server.Restart(t)
	in.server.Unseal(t)
	if _, err := client.Observe(t.Context(), want); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

func TestAVaultThatDoesNotAnswerInTimeIsSlow(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	client, err := vault.New(vault.Config{
		Address: "http://" + listener.Addr().String(), Settings: layout.Default(), Login: withToken("any"), Timeout: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Observe(t.Context(), environment("acme", "prod"))
	mustWait(t, err, vault.ReasonSlow, "100ms")
}

func TestOnlyAVaultWithATrustedCertificateIsTalkedTo(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"errors":["Vault is sealed"]}`))
	}))
	// The handshake that is refused on purpose is not worth a line.
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Setenv("VAULT_SKIP_VERIFY", "true")
	bundle := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for ca, want := range map[string]string{bundle: vault.ReasonSealed, "": vault.ReasonUnreachable} {
		client, err := vault.New(vault.Config{Address: server.URL, CABundle: ca, Settings: layout.Default(), Login: withToken("any")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Observe(t.Context(), environment("acme", "prod"))
		mustWait(t, err, want, server.URL)
	}
}

func TestARefusalNamesThePathAndWhatIsMissing(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	if err := in.server.Root(t).Sys().PutPolicy(in.settings.OperatorRole(), `path "crmkeep-transit/keys/+" { capabilities = ["read"] }`); err != nil {
		t.Fatal(err)
	}
	_, err := in.client.Observe(t.Context(), want)
	mustWait(t, err, vault.ReasonForbidden, `"read" on crmkeep-kv/data/crm-acme--prod/data-key`)
	mustWait(t, err, vault.ReasonForbidden, "crmkeep-operator")
}

func TestARefusedLoginSaysWhatToLookAt(t *testing.T) {
	in := install(t)
	path := in.settings.AuthRolePath(in.settings.OperatorRole())
	root := in.server.Root(t).Logical()
	if _, err := root.Write(path, map[string]any{"bound_service_account_names": "somebody-else"}); err != nil {
		t.Fatal(err)
	}
	_, err := in.client.Observe(t.Context(), environment("acme", "prod"))
	mustWait(t, err, vault.ReasonForbidden, "system:auth-delegator")

	if _, err := root.Delete(path); err != nil {
		t.Fatal(err)
	}
	_, err = in.client.Observe(t.Context(), environment("acme", "prod"))
	mustWait(t, err, vault.ReasonNotPrepared, "crmkeep vault bootstrap")
}

func TestAMissingEngineAsksForTheBootstrap(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	state := in.observe(t, want)
	if err := in.server.Root(t).Sys().Unmount(in.settings.TransitMount()); err != nil {
		t.Fatal(err)
	}
	_, err := in.client.Apply(t.Context(), want, state)
	mustWait(t, err, vault.ReasonNotPrepared, "crmkeep-transit")
}

func TestACallersEndIsNotVaultsFault(t *testing.T) {
	in := install(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := in.client.Observe(ctx, environment("acme", "prod"))
	if _, waiting := outcome.AsWaiting(err); waiting || err == nil {
		t.Errorf("got %v", err)
	}
}

func TestNothingThatLooksSecretIsInAnError(t *testing.T) {
	secretsInAnswer := []string{
		"hvs.CAESIJ3rd5fG7hH2kLmN0pQrStUvWxYz0123456789",
		"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl",
		"vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==",
		"-----BEGIN EC PRIVATE KEY-----\\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY\\n-----END EC PRIVATE KEY-----",
		"dGhpcyBpcyBhIDMyIGJ5dGUgbG9uZyBrZXkhISEhISE=",
	}
	for _, secret := range secretsInAnswer {
		for _, body := range []string{`{"errors":["failed on ` + secret + `"]}`, "<html>" + secret + "</html>"} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte(body))
			}))
			client, err := vault.New(vault.Config{Address: server.URL, Settings: layout.Default(), Login: withToken("any")})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Observe(t.Context(), environment("acme", "prod"))
			server.Close()
			if err == nil || strings.Contains(err.Error(), secret[8:30]) {
				t.Errorf("%q came back as %v", body, err)
			}
		}
	}
}

// withToken logs in with a token that is there already.
func withToken(token string) vault.Login {
	return func(context.Context, *api.Client) (*api.Secret, error) {
		return &api.Secret{Auth: &api.SecretAuth{ClientToken: token}}, nil
	}
}
