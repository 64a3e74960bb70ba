package api

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/testing/samples"
)

// A sample, as package samples describes it, is in testdata/<kind>/accepted or testdata/<kind>/rejected. A rejected one starts with
// "# want: " and a fragment of the message; its last document is the one that is refused.
func TestEverySampleIsTakenAsItsFolderSays(t *testing.T) {
	c := newClient(t, server.Server(t).Config())
	createHome(t, c, "acme")
	bases, err := filepath.Glob("testdata/*/base.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, bases)
	for _, base := range bases {
		folder := filepath.Dir(base)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Run("accepted", func(t *testing.T) { eachSample(t, c, folder, "accepted") })
			t.Run("rejected", func(t *testing.T) { eachSample(t, c, folder, "rejected") })
		})
	}
}

func eachSample(t *testing.T, c client.Client, folder, verdict string) {
	base, err := os.ReadFile(filepath.Join(folder, "base.yaml"))
	require.NoError(t, err)
	paths, err := filepath.Glob(filepath.Join(folder, verdict, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "every kind has samples of both kinds")
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			err = samples.Write(t, c, base, raw)
			if verdict == "accepted" {
				require.NoError(t, err)
				return
			}
			want := wantedMessage(t, raw)
			require.True(t, apierrors.IsInvalid(err), "the API server must refuse the last document, got: %v", err)
			require.ErrorContains(t, err, want)
		})
	}
}

func wantedMessage(t *testing.T, raw []byte) string {
	t.Helper()
	line, _, _ := strings.Cut(string(raw), "\n")
	want, ok := strings.CutPrefix(line, "# want: ")
	require.True(t, ok, `a rejected sample starts with "# want: " and a fragment of the message`)
	return strings.TrimSpace(want)
}
