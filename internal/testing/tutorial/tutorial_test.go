package tutorial_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/tutorial"
)

const page = "# A page\n\n" +
	"<!-- not run: it takes a day -->\n```sh\nsleep 1d\n```\n\n" +
	"<!-- file: a.yaml -->\n```yaml\na: 1\n```\n\n" +
	"```sh\necho one 1s\necho two >&2\n```\n\n```text\none   …\ntwo\n```\n\n" +
	"<!-- each is refused -->\n```sh\nfalse\n```\n\n" +
	"```sh\necho three\n```\n\n```text\n…\nthree\n```\n"

func run(t *testing.T, script string) (string, error) {
	t.Helper()
	out, err := exec.Command("bash", "-c", script).CombinedOutput()
	return string(out), err
}

func TestAPageIsRunAndComparedWithWhatItShows(t *testing.T) {
	parsed, err := tutorial.Parse(page)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a.yaml": "a: 1\n"}, parsed.Files)
	assert.Equal(t, "it takes a day", parsed.Steps[0].NotRun)
	out, err := run(t, parsed.Script())
	require.NoError(t, err, out)
	require.NoError(t, parsed.Check(out))
}

func TestAPageThatIsWrongIsFoundOut(t *testing.T) {
	for name, blocks := range map[string]string{
		"a command fails":                   "```sh\nfalse\n```\n",
		"a command in a pipe fails":         "```sh\nfalse | true\n```\n",
		"a name that was never set":         "```sh\necho $never_set\n```\n",
		"a command is not refused":          "<!-- each is refused -->\n```sh\nfalse\ntrue\n```\n",
		"something else is printed":         "```sh\necho one\n```\n```text\ntwo\n```\n",
		"more is printed on the line":       "```sh\necho one two\n```\n```text\none\n```\n",
		"it is printed in another order":    "```sh\necho two; echo one\n```\n```text\none\ntwo\n```\n",
		"it is printed once, and not twice": "```sh\necho one\n```\n```text\none\none\n```\n",
		"it is printed by the next step":    "```sh\ntrue\n```\n```text\none\n```\n```sh\necho one\n```\n",
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := tutorial.Parse(blocks)
			require.NoError(t, err)
			out, err := run(t, parsed.Script())
			if err == nil {
				err = parsed.Check(out)
			}
			assert.Error(t, err)
		})
	}
}

func TestAMarkThatWouldBePassedOverIsRefused(t *testing.T) {
	for name, blocks := range map[string]string{
		"no reason":               "<!-- not run -->\n```sh\ntrue\n```\n",
		"an empty reason":         "<!-- not run: -->\n```sh\ntrue\n```\n",
		"a misspelt mark":         "<!-- norun: it takes a day -->\n```sh\ntrue\n```\n",
		"a comment over lines":    "<!-- not run:\nit takes a day -->\n```sh\ntrue\n```\n",
		"a file without a name":   "<!-- file -->\n```yaml\na: 1\n```\n",
		"commands that are files": "<!-- file: a.sh -->\n```sh\ntrue\n```\n",
		"text that is marked":     "```sh\ntrue\n```\n<!-- not run: it is text -->\n```text\none\n```\n",
		"text before commands":    "```text\none\n```\n",
		"a block without an end":  "```sh\ntrue\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tutorial.Parse(blocks)
			assert.Error(t, err)
		})
	}
}
