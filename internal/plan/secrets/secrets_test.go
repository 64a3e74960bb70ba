package secrets_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

var update = flag.Bool("update", false, "write the golden files")

func TestTheLayoutOfEachEnvironmentIsAsReviewed(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/in.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			got, err := yaml.Marshal(secrets.Layout(layout.Default(), environment(t, input)))
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join(dir, "plan.yaml")
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("the layout changed; run with -update if it should (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheOrderOfComponentsAndNamesDoesNotMatter(t *testing.T) {
	forwards := environment(t, "testdata/data-key-and-admin/in.yaml")
	backwards := environment(t, "testdata/data-key-and-admin/in.yaml")
	slices.Reverse(backwards.Components)
	for i := range backwards.Components {
		slices.Reverse(backwards.Components[i].DNSNames)
	}
	if diff := cmp.Diff(secrets.Layout(layout.Default(), forwards), secrets.Layout(layout.Default(), backwards)); diff != "" {
		t.Error(diff)
	}
}

func TestEveryPlannedListOfPoliciesIsOneThatTheOperatorMayAssign(t *testing.T) {
	settings := layout.Default()
	for _, needs := range []secrets.Component{
		{}, {NeedsDataKey: true}, {NeedsAdmin: true}, {NeedsAdapter: true}, {NeedsDataKey: true, NeedsAdmin: true},
		{NeedsDataKey: true, NeedsAdapter: true}, {NeedsAdmin: true, NeedsAdapter: true},
		{Run: layout.GrantBackup}, {Run: layout.GrantRestore},
	} {
		planned := secrets.Layout(settings, secrets.Environment{Components: []secrets.Component{needs}})
		if policies := planned.Roles[0].Auth.TokenPolicies; !slices.Contains(settings.PolicyLists(), policies) {
			t.Errorf("%+v: %q is not in %q", needs, policies, settings.PolicyLists())
		}
	}
}

func environment(t *testing.T, file string) secrets.Environment {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var parsed secrets.Environment
	if err := yaml.UnmarshalStrict(content, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}
