package bootstrap_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
	"github.com/crmkeep/crmkeep/internal/vault/bootstrap"
)

var update = flag.Bool("update", false, "write the golden files")

func TestThePoliciesAreAsReviewed(t *testing.T) {
	got, err := command(t, "--print-policy")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/policies.hcl"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the policies changed; run with -update if they should (-want +got):\n%s", diff)
	}
}

func TestASecondRunChangesNothing(t *testing.T) {
	server := vaulttest.Start(t)
	arguments := []string{"--address", server.Address, "--token-file", file(t, server.RootToken)}
	first, err := command(t, arguments...)
	if err != nil || strings.Contains(first, "unchanged") {
		t.Fatalf("the first run: %v\n%s", err, first)
	}
	second, err := command(t, arguments...)
	if err != nil || strings.Contains(second, "set up") {
		t.Errorf("the second run: %v\n%s", err, second)
	}
	if strings.Contains(first+second, server.RootToken) {
		t.Error("the token was printed")
	}
}

func TestARunThatWasInterruptedIsCompletedByTheNext(t *testing.T) {
	server := vaulttest.Start(t)
	// As left behind by a run that ended before the intermediate was signed.
	for path, body := range map[string]map[string]any{
		"crmkeep-pki-root/root/generate/internal":    {"common_name": "root", "ttl": "100h", "key_type": "ec"},
		"crmkeep-pki/intermediate/generate/internal": {"common_name": "intermediate", "key_type": "ec"},
	} {
		mount, _, _ := strings.Cut(path, "/")
		if err := server.Root(t).Sys().Mount(mount, &api.MountInput{Type: "pki"}); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Root(t).Logical().Write(path, body); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := command(t, "--address", server.Address, "--token-file", file(t, server.RootToken), "--intermediate-ttl", "50h"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if issuers, err := server.Root(t).Logical().List("crmkeep-pki/issuers"); err != nil || issuers == nil {
		t.Errorf("no intermediate: %v", err)
	}
}

func TestWhatSomebodyElseMountedIsLeftAlone(t *testing.T) {
	for name, occupy := range map[string]func(*api.Sys) error{
		"crmkeep-transit": func(sys *api.Sys) error { return sys.Mount("crmkeep-transit", &api.MountInput{Type: "kv"}) },
		"crmkeep-kv":      func(sys *api.Sys) error { return sys.Mount("crmkeep-kv", &api.MountInput{Type: "kv"}) },
		"kubernetes": func(sys *api.Sys) error {
			return sys.EnableAuthWithOptions("kubernetes", &api.EnableAuthOptions{Type: "userpass"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := vaulttest.Start(t)
			if err := occupy(server.Root(t).Sys()); err != nil {
				t.Fatal(err)
			}
			_, err := command(t, "--address", server.Address, "--token-file", file(t, server.RootToken))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTheUsersOwnRootSignsTheIntermediate(t *testing.T) {
	server := vaulttest.Start(t)
	root := server.Root(t)
	if err := root.Sys().Mount("company", &api.MountInput{Type: "pki"}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Logical().Write("company/root/generate/internal", map[string]any{"common_name": "company root", "key_type": "ec", "ttl": "700h"}); err != nil {
		t.Fatal(err)
	}
	csr, token := filepath.Join(t.TempDir(), "request.pem"), file(t, server.RootToken)
	out, err := command(t, "--address", server.Address, "--token-file", token, "--csr-file", csr)
	if err == nil || !strings.Contains(err.Error(), "signed") {
		t.Fatalf("without an intermediate it counted as done: %v\n%s", err, out)
	}
	request, err := os.ReadFile(csr)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := root.Logical().Write("company/root/sign-intermediate", map[string]any{"csr": string(request), "common_name": "crmkeep", "ttl": "600h"})
	if err != nil {
		t.Fatal(err)
	}
	certificate := file(t, signed.Data["certificate"].(string)+"\n"+signed.Data["issuing_ca"].(string))
	if out, err := command(t, "--address", server.Address, "--token-file", token, "--certificate-file", certificate); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if mounts, err := root.Sys().ListMounts(); err != nil || mounts["crmkeep-pki-root/"] != nil {
		t.Errorf("a root was made all the same: %v", err)
	}
}

func TestATokenIsAskedForBeforeAnythingElse(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "")
	if _, err := command(t, "--address", "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "--token-file") {
		t.Errorf("got %v", err)
	}
}

func command(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := bootstrap.NewCommand()
	c.SetArgs(arguments)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
