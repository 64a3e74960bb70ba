package compile_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/testing/golden"
)

// A case is a folder of testdata: in.yaml holds the policies, and out.yaml what they come to in the environment prod of the class in
// class.yaml.
func TestEachCaseComesToWhatWasReviewed(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*/in.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	for _, in := range inputs {
		dir := filepath.Dir(in)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			policies, err := parse(read(t, in))
			require.NoError(t, err)
			program := compile.Compile(input(t, policies...))
			plan := program.Plan()
			out, err := yaml.Marshal(struct {
				Plan        access.Plan                           `json:"plan"`
				Conflicts   []compile.Conflict                    `json:"conflicts,omitempty"`
				NotEnforced map[string][]v1alpha1.NotEnforcedRule `json:"notEnforced,omitempty"`
				NextChange  time.Time                             `json:"nextChange,omitzero"`
			}{plan, program.Conflicts(), program.ByPolicy("prod", &plan, program.NotEnforced()), program.NextChange()})
			require.NoError(t, err)
			golden.Compare(t, filepath.Join(dir, "out.yaml"), out)
		})
	}
}
