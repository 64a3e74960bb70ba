package result_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/result"
)

func TestAResultIsCutUntilItFitsATerminationMessage(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	long := strings.Repeat("wörter ", 70)
	r := result.Result{Reason: "PartiallyFailed", Message: long, ManifestDigest: strings.Repeat("0a", 32), Seconds: map[string]float64{"Database": 1}}
	for _, name := range names {
		r.Locations = append(r.Locations, result.Location{
			Name: name, Message: long, Snapshots: []string{"01234567", "89abcdef"}, Problems: []string{long, long, long, long},
		})
	}
	text, err := r.Encode()
	require.NoError(t, err)
	assert.LessOrEqual(t, len(text), result.MaxLength)
	read, err := result.ParseResult(string(text), names)
	require.NoError(t, err)
	assert.Equal(t, r.Reason, read.Reason)
	assert.Equal(t, r.ManifestDigest, read.ManifestDigest)
	assert.Len(t, read.Locations, 4)
	assert.NotEmpty(t, read.Locations[3].Message)
	assert.Len(t, r.Locations[0].Problems, 4, "the result itself stays as it was")
}
