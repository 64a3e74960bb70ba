package api

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// A sample is a YAML file in testdata/<kind>/accepted or testdata/<kind>/rejected. It holds only what differs from the kind's
// base.yaml, as a JSON merge patch. A second document is an update of the object that the first made. A rejected sample starts
// with "# want: " and a fragment of the message; its last document is the one that is refused.
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
			err = writeSample(t, c, base, raw)
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

// writeSample creates the first document and updates it to the second, and gives the answer to the last one.
func writeSample(t *testing.T, c client.Client, base, raw []byte) error {
	t.Helper()
	patches := documents(t, raw)
	require.NotEmpty(t, patches)
	require.LessOrEqual(t, len(patches), 2)
	first := merged(t, base, patches[0])
	object := decoded(t, first)
	err := c.Create(t.Context(), object)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, c.Delete(context.WithoutCancel(t.Context()), object)) })
	}
	if len(patches) == 1 {
		return err
	}
	require.NoError(t, err, "the first document is only there to be updated")
	update := decoded(t, merged(t, first, patches[1]))
	update.SetResourceVersion(object.GetResourceVersion())
	return c.Update(t.Context(), update)
}

func wantedMessage(t *testing.T, raw []byte) string {
	t.Helper()
	line, _, _ := strings.Cut(string(raw), "\n")
	want, ok := strings.CutPrefix(line, "# want: ")
	require.True(t, ok, `a rejected sample starts with "# want: " and a fragment of the message`)
	return strings.TrimSpace(want)
}

func documents(t *testing.T, raw []byte) [][]byte {
	t.Helper()
	var found [][]byte
	for document := range bytes.SplitSeq(raw, []byte("\n---\n")) {
		asJSON, err := yaml.YAMLToJSONStrict(document)
		require.NoError(t, err)
		found = append(found, asJSON)
	}
	return found
}

func merged(t *testing.T, base, patch []byte) []byte {
	t.Helper()
	asJSON, err := yaml.YAMLToJSONStrict(base)
	require.NoError(t, err)
	result, err := jsonpatch.MergePatch(asJSON, patch)
	require.NoError(t, err)
	return result
}

func decoded(t *testing.T, raw []byte) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal(raw, &object.Object))
	return object
}
