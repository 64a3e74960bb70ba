package plan_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/preview"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/golden"
)

// classes that a case need not bring along.
var classes = []string{"../../config/classes/tryton.yaml", "../../test/classes/ttrss.yaml"}

// A case is a folder of testdata: in.yaml holds the declarations, settings.yaml those of the installation (default: an example's),
// facts.yaml what was seen (default: plan what is there in the end), and plan.yaml what `crmkeep plan` makes of them.
func TestThePlanOfEachCaseIsAsReviewed(t *testing.T) {
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			golden.Compare(t, filepath.Join(dir, "plan.yaml"), printPlan(t, dir))
		})
	}
}

func TestTheSameInputGivesTheSamePlan(t *testing.T) {
	for _, dir := range cases(t) {
		require.Equal(t, string(printPlan(t, dir)), string(printPlan(t, dir)))
	}
}

func cases(t *testing.T) []string {
	t.Helper()
	inputs, err := filepath.Glob("testdata/*/in.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	for i := range inputs {
		inputs[i] = filepath.Dir(inputs[i])
	}
	return inputs
}

func printPlan(t *testing.T, dir string) []byte {
	t.Helper()
	declarations, err := preview.Parse(read(t, filepath.Join(dir, "in.yaml")))
	require.NoError(t, err)
	for _, class := range classes {
		require.NoError(t, declarations.Add(read(t, class)))
	}
	s := preview.Example()
	if file := filepath.Join(dir, "settings.yaml"); exists(file) {
		s, err = settings.Load(file)
		require.NoError(t, err)
	}
	var out bytes.Buffer
	options := preview.Options{Settings: s, HTTPRoutes: s.Exposure.Gateway != nil}
	if file := filepath.Join(dir, "facts.yaml"); exists(file) {
		options.Seen = &facts.Environment{}
		require.NoError(t, yaml.UnmarshalStrict(read(t, file), options.Seen))
	}
	require.NoError(t, declarations.Print(&out, options))
	return out.Bytes()
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return content
}
