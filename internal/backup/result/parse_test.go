package result_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/result"
)

var digest = strings.Repeat("0a", 32)

func TestAMessageThatFitsIsRead(t *testing.T) {
	want := result.Result{
		Reason: "PartiallyFailed", Message: "there: no such bucket", ManifestDigest: digest, KeyVersion: 3, Tables: 2, Rows: 10, Bytes: 4096,
		Locations: []result.Location{{Name: "here", Snapshots: []string{"0011223344"}, BytesAdded: 7}, {Name: "there", Message: "no such bucket"}},
		Seconds:   map[string]float64{result.StageDatabase: 1.5},
	}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	got, err := result.ParseResult(string(text), []string{"here", "there"})
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestAHostileMessageIsRefused(t *testing.T) {
	for name, message := range map[string]string{
		"nothing":                          ``,
		"a text":                           `panic: runtime error`,
		"a list":                           `[]`,
		"a second value":                   `{} {}`,
		"too much":                         `{"message":"` + strings.Repeat("x", result.MaxLength) + `"}`,
		"a reason with a sentence":         `{"reason":"Not A Reason"}`,
		"a reason as long as a page":       `{"reason":"A` + strings.Repeat("a", 50) + `"}`,
		"a digest of another kind":         `{"manifestDigest":"abc"}`,
		"a negative figure":                `{"rows":-1}`,
		"a figure beyond all measure":      `{"bytes":9223372036854775807}`,
		"a location that was not asked":    `{"locations":[{"name":"elsewhere"}]}`,
		"a location twice":                 `{"locations":[{"name":"here"},{"name":"here"}]}`,
		"a location with negative figures": `{"locations":[{"name":"here","bytesAdded":-5}]}`,
		"a snapshot that is a path":        `{"locations":[{"name":"here","snapshots":["../../x"]}]}`,
		"too many snapshots":               `{"locations":[{"name":"here","snapshots":["00","00","00","00","00","00","00","00","00"]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := result.ParseResult(message, []string{"here"})
			assert.Error(t, err)
		})
	}
}

func TestAHostileTextBecomesAShortLine(t *testing.T) {
	r, err := result.ParseResult(`{"message":"a\u001b[31m\nb\u0000\u202ec","locations":[{"name":"here","message":"`+strings.Repeat("ä", 600)+`"}]}`, []string{"here"})
	require.NoError(t, err)
	assert.Equal(t, "a [31m b c", r.Message)
	assert.Equal(t, 500, utf8.RuneCountInString(r.Locations[0].Message))
}

func TestProgressOutOfRangeIsRefused(t *testing.T) {
	p, err := result.ParseProgress([]byte(`{"stage":"Database","bytesDone":5,"bytesTotal":10}`))
	require.NoError(t, err)
	assert.Equal(t, result.Progress{Stage: "Database", BytesDone: 5, BytesTotal: 10}, p)
	for _, answer := range []string{``, `null`, `{"stage":"a b"}`, `{"stage":"Database","bytesDone":-1}`, `<html>`} {
		_, err := result.ParseProgress([]byte(answer))
		assert.Error(t, err, answer)
	}
}

func FuzzWhatIsReadOfAMessageIsBounded(f *testing.F) {
	f.Add(`{"reason":"VaultSealed","message":"wait","locations":[{"name":"here","problems":["x"]}]}`)
	f.Fuzz(func(t *testing.T, message string) {
		r, err := result.ParseResult(message, []string{"here"})
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(r.Locations), 1)
		for _, text := range append([]string{r.Message}, texts(r)...) {
			require.LessOrEqual(t, utf8.RuneCountInString(text), 500)
			require.NotContains(t, text, "\n")
			require.False(t, strings.ContainsFunc(text, unicode.IsControl))
		}
	})
}

func texts(r result.Result) []string {
	var all []string
	for _, l := range r.Locations {
		all = append(append(all, l.Message), l.Problems...)
	}
	return all
}
