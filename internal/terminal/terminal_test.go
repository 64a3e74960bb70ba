package terminal_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/terminal"
)

func TestWhatATerminalMightTakeForMoreThanTextIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"王小明 O'Brien <é>":   "王小明 O'Brien <é>",
		"\x1b[2J":           `\u001b[2J`,
		"a\u202eb\u200bc":   `a\u202eb\u200bc`,
		"tag \U000e0041":    `tag \udb40\udc41`,
		"two\r\nlines\tand": `two\u000d\u000alines\u0009and`,
	} {
		assert.Equal(t, want, terminal.Line(text))
	}
	assert.Equal(t, "one\ntwo\\u0009", terminal.Text("one\ntwo\t"), "the lines of a text stay")
}

func TestEscapedJSONMeansTheSame(t *testing.T) {
	const name = "\u202e\U000e0041\x7f"
	content, err := json.Marshal(name)
	require.NoError(t, err)
	var got string
	require.NoError(t, json.Unmarshal([]byte(terminal.Text(string(content))), &got))
	assert.Equal(t, name, got)
}
