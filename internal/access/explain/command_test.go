package explain_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access/explain"
	"github.com/crmkeep/crmkeep/internal/testing/golden"
)

const (
	declarations = "testdata/in.yaml"
	// today is when the tests take place.
	today = "--at=2026-11-22T00:00:00Z"
)

func run(t *testing.T, command *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command.SetArgs(args)
	command.SetOut(&out)
	command.SetErr(&bytes.Buffer{})
	command.SilenceUsage = true
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestEachAnswerIsAsReviewed(t *testing.T) {
	access, whoCan := explain.NewCommand, explain.NewWhoCanCommand
	for file, c := range map[string]struct {
		command func() *cobra.Command
		args    []string
	}{
		"access.txt":               {access, []string{"access", "--user=王小明", "--object=contact"}},
		"access-to-a-field.json":   {access, []string{"access", "--user=li.na@acme.example", "--object=contact", "--field=phone", "-o=json"}},
		"access-of-a-stranger.txt": {access, []string{"access", "--user=stranger", "--object=contact"}},
		"who-can-read.txt":         {whoCan, []string{"read", "contact"}},
		"who-can-export.json":      {whoCan, []string{"export", "contact", "-o=json"}},
		"who-can-delete.txt":       {whoCan, []string{"delete", "contact"}},
		"who-can-delete.json":      {whoCan, []string{"delete", "contact", "-o=json"}},
		"who-can-next-year.txt":    {whoCan, []string{"export", "contact", "--at=2027-02-01T00:00:00Z"}},
	} {
		t.Run(file, func(t *testing.T) {
			args := slices.Concat(c.args, []string{"-f", declarations})
			if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--at") }) {
				args = append(args, today)
			}
			out, err := run(t, c.command(), args...)
			require.NoError(t, err)
			golden.Compare(t, filepath.Join("testdata", file), []byte(out))
		})
	}
}

func TestAQuestionThatCannotBeAnsweredSaysWhy(t *testing.T) {
	for want, args := range map[string][]string{
		`"contct" is no object of the class's catalogue; did you mean "contact"?`: {"read", "contct", "-f", declarations},
		`"red" is no verb; use one of read, create`:                               {"red", "contact", "-f", declarations},
		`"2027" is no time in RFC 3339`:                                           {"read", "contact", "-f", declarations, "--at=2027"},
		`"yaml" is unknown; use table or json`:                                    {"read", "contact", "-f", declarations, "-o=yaml"},
		`--environment: "test" is not in the files; they have crm-acme/prod`:      {"read", "contact", "-f", declarations, "--environment=test"},
		`"prod" must be NAMESPACE/NAME`:                                           {"read", "contact", "--environment=prod"},
		`at least one of the flags`:                                               {"read", "contact"},
	} {
		_, err := run(t, explain.NewWhoCanCommand(), args...)
		assert.ErrorContains(t, err, want)
	}
	_, err := run(t, explain.NewCommand(), "access", "--user=wei", "--object=contact", "--field=fone", "-f", declarations)
	assert.ErrorContains(t, err, `"fone" is no field of contact in the catalogue; did you mean "phone"?`)
}

func TestWhatTheOperatorWouldRefuseIsRefusedInTheSameWords(t *testing.T) {
	content, err := os.ReadFile(declarations)
	require.NoError(t, err)
	for want, spoil := range map[string][2]string{
		`CRMRolePolicy crm-acme/sales: Invalid: spec.bindings[0].role: "boss" is not one of spec.roles`: {"{role: rep,", "{role: boss,"},
		`CRMClass demo: Invalid: spec.sizes: must list at least one`:                                    {"sizes: [{name: Small, database: {storage: 2Gi}}]", "sizes: []"},
		`CRMClass "other" is not in the files; add its file with -f`:                                    {"classRef: {name: demo}", "classRef: {name: other}"},
		`no CRMEnvironment is in the files`:                                                             {"kind: CRMEnvironment", "kind: CRMTenant"},
		`unknown field "rols"`:                                                                          {"roles:", "rols:"},
	} {
		spoiled := filepath.Join(t.TempDir(), "in.yaml")
		require.NoError(t, os.WriteFile(spoiled, []byte(strings.Replace(string(content), spoil[0], spoil[1], 1)), 0o600))
		_, err := run(t, explain.NewWhoCanCommand(), "read", "contact", "-f", spoiled, today)
		assert.ErrorContains(t, err, want)
	}
}
