package api

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/crmkeep/crmkeep/internal/testing/samples"
)

// A sample, as package samples describes it, is in testdata/<kind>/accepted or testdata/<kind>/rejected. A rejected one starts with
// "# want: " and a fragment of the message, or several such lines; its last document is the one that is refused.
func TestEverySampleIsTakenAsItsFolderSays(t *testing.T) {
	c := newClient(t, server.Server(t).Config())
	createHome(t, c, "acme")
	for _, kind := range kinds {
		t.Run(strings.ToLower(kind.name), func(t *testing.T) {
			t.Run("accepted", func(t *testing.T) {
				eachSample(t, kind.name, "accepted", func(t *testing.T, base, sample []byte) {
					require.NoError(t, samples.Write(t, c, base, sample))
				})
			})
			t.Run("rejected", func(t *testing.T) {
				eachSample(t, kind.name, "rejected", func(t *testing.T, base, sample []byte) {
					err := samples.Write(t, c, base, sample)
					require.True(t, apierrors.IsInvalid(err), "the API server must refuse the last document, got: %v", err)
					for _, want := range wantedMessages(t, sample) {
						require.ErrorContains(t, err, want)
					}
				})
			})
		})
	}
}

func eachSample(t *testing.T, kind, verdict string, try func(t *testing.T, base, sample []byte)) {
	t.Helper()
	folder := filepath.Join("testdata", strings.ToLower(kind))
	base, err := os.ReadFile(filepath.Join(folder, "base.yaml"))
	require.NoError(t, err)
	paths, err := filepath.Glob(filepath.Join(folder, verdict, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "every kind has samples of both kinds")
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			sample, err := os.ReadFile(path)
			require.NoError(t, err)
			try(t, base, sample)
		})
	}
}

func wantedMessages(t *testing.T, sample []byte) []string {
	t.Helper()
	var wanted []string
	for line := range strings.Lines(string(sample)) {
		want, ok := strings.CutPrefix(line, "# want: ")
		if !ok {
			break
		}
		wanted = append(wanted, strings.TrimSpace(want))
	}
	require.NotEmpty(t, wanted, `a rejected sample starts with "# want: " and a fragment of the message`)
	return wanted
}
