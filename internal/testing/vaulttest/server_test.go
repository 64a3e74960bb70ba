package vaulttest_test

import (
	"testing"

	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
)

func TestAServerKeepsWhatItStoredWhenItIsSealedOrRestarted(t *testing.T) {
	server := vaulttest.Start(t)
	if err := server.Root(t).Sys().PutPolicy("kept", `path "x" { capabilities = ["read"] }`); err != nil {
		t.Fatal(err)
	}

	server.Seal(t)
	if _, err := server.Root(t).Sys().GetPolicy("kept"); err == nil {
		t.Fatal("a sealed Vault answered")
	}
	server.Unseal(t)

	server.Stop(t)
	server.Restart(t)
	server.Unseal(t)
	if rules, err := server.Root(t).Sys().GetPolicy("kept"); err != nil || rules == "" {
		t.Fatalf("after a restart: %q, %v", rules, err)
	}
}
