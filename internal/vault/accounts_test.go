package vault_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

const (
	li = "li.na@acme.example"
	bo = "bo@acme.example"
	// firstPassword is everybody's.
	firstPassword = "Kx7mPq2rT9vWn4Ld"
)

func invitation(login string) vault.Invitation {
	return vault.Invitation{
		Login: login, Password: secret.New(firstPassword), Environment: "crm-acme/prod", URL: "https://crm.acme.example",
		CreatedAt: time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC),
	}
}

func (in *installation) invite(t *testing.T, namespace, login string) {
	t.Helper()
	if err := in.client.Invite(t.Context(), namespace, invitation(login)); err != nil {
		t.Fatal(err)
	}
}

// makeAccounts makes what a migration and a pass of role policies leave.
func (in *installation) makeAccounts(t *testing.T, of layout.Layout) {
	t.Helper()
	for _, path := range []string{of.Admin, of.Adapter} {
		if err := write(in.server.Root(t), in.settings.KVDataPath(path), body{
			"data": body{"login": "somebody", "password": "p"}, "options": body{"cas": 0},
		}); err != nil {
			t.Fatal(err)
		}
	}
	namespace, _, _ := strings.Cut(of.Admin, "/")
	in.invite(t, namespace, li)
	in.invite(t, namespace, bo)
}

// stored is what is at a place of the kv engine, and nil when there is nothing.
func (in *installation) stored(t *testing.T, path string) map[string]any {
	t.Helper()
	found, err := in.server.Root(t).Logical().Read(in.settings.KVDataPath(path))
	if err != nil {
		t.Fatal(err)
	}
	if found == nil {
		return nil
	}
	data, _ := found.Data["data"].(map[string]any)
	return data
}

func TestTheOperatorReadsItsOwnAccountInACRMAndWaitsForTheMigrationToMakeIt(t *testing.T) {
	in := install(t)
	want := environment("acme", "prod")
	in.apply(t, want)
	_, _, err := in.client.AdapterAccount(t.Context(), "crm-acme--prod")
	mustWait(t, err, v1alpha1.ReasonCredentialMissing, want.Adapter)

	migrate := in.component(t, "crm-acme--prod", "migrate")
	if err := write(migrate, in.settings.KVDataPath(want.Adapter), body{
		"data": body{"login": "crmkeep", "password": firstPassword}, "options": body{"cas": 0},
	}); err != nil {
		t.Fatal(err)
	}
	login, password, err := in.client.AdapterAccount(t.Context(), "crm-acme--prod")
	if err != nil || login != "crmkeep" || password.Reveal() != firstPassword {
		t.Errorf("got %q, %d characters, %v", login, len(password.Reveal()), err)
	}

	if _, err := in.server.Root(t).Logical().Delete(in.settings.KVDataPath(want.Adapter)); err != nil {
		t.Fatal(err)
	}
	_, _, err = in.client.AdapterAccount(t.Context(), "crm-acme--prod")
	mustWait(t, err, v1alpha1.ReasonCredentialMissing, want.Adapter)
}

func TestAnInvitationTakesThePlaceOfThePersonsLastOneWhichIsDestroyed(t *testing.T) {
	in := install(t)
	in.apply(t, environment("acme", "prod"))
	in.invite(t, "crm-acme--prod", li)
	in.requests.reset(nil)
	in.invite(t, "crm-acme--prod", bo)
	if _, writes, _ := in.requests.counts(); writes != 1 {
		t.Errorf("a first invitation took %d writes", writes)
	}
	again := invitation(li)
	again.Password = secret.New("another")
	if err := in.client.Invite(t.Context(), "crm-acme--prod", again); err != nil {
		t.Fatal(err)
	}

	path := layout.InvitationPath("crm-acme--prod", li)
	for field, value := range map[string]string{
		"login": li, "password": "another", "environment": "crm-acme/prod", "url": "https://crm.acme.example", "createdAt": "2026-11-22T04:00:00Z",
	} {
		if got := in.stored(t, path)[field]; got != value {
			t.Errorf("%s is %v, want %q", field, got, value)
		}
	}
	versions, err := in.server.Root(t).Logical().Read(in.settings.KVMetadataPath(path))
	if err != nil || len(versions.Data["versions"].(map[string]any)) != 1 {
		t.Errorf("the earlier invitation can still be read: %v, %v", versions, err)
	}
	if in.stored(t, layout.InvitationPath("crm-acme--prod", bo))["password"] != firstPassword {
		t.Error("somebody else's invitation was touched")
	}
}

func TestAForgottenInvitationIsGoneAndForgettingAgainIsFine(t *testing.T) {
	in := install(t)
	in.apply(t, environment("acme", "prod"))
	in.invite(t, "crm-acme--prod", li)
	in.invite(t, "crm-acme--prod", bo)
	for range 2 {
		if err := in.client.ForgetInvitation(t.Context(), "crm-acme--prod", li); err != nil {
			t.Fatal(err)
		}
	}
	if left := in.stored(t, layout.InvitationPath("crm-acme--prod", li)); left != nil {
		t.Error("the invitation is still there")
	}
	if in.stored(t, layout.InvitationPath("crm-acme--prod", bo)) == nil {
		t.Error("somebody else's invitation is gone")
	}
}

func TestAnInterruptedInvitationIsCompletedByTheNextWhereverItWasCut(t *testing.T) {
	in := install(t)
	in.apply(t, environment("acme", "prod"))
	in.invite(t, "crm-acme--prod", li)
	for cut := 1; cut <= 3; cut++ {
		in.requests.reset(func(n int) bool { return n != cut })
		if err := in.client.Invite(t.Context(), "crm-acme--prod", invitation(li)); err == nil {
			t.Fatalf("write %d was cut and nobody noticed", cut)
		} else if strings.Contains(err.Error(), firstPassword) || strings.Contains(err.Error(), li) {
			t.Errorf("the error tells the person or the password: %v", err)
		}
		in.requests.reset(nil)
		in.invite(t, "crm-acme--prod", li)
		if in.stored(t, layout.InvitationPath("crm-acme--prod", li))["password"] != firstPassword {
			t.Errorf("cut at write %d: no invitation", cut)
		}
	}
}

func TestTheNameOfAnInvitationTellsNoLogin(t *testing.T) {
	name := naming.Invitation(li)
	if len(name) != 32 || strings.Contains(name, "li") || name == naming.Invitation(bo) {
		t.Errorf("%q", name)
	}
}
