// Package samples tries declarations on a real API server. A sample is a YAML file that holds only what differs from its kind's
// base.yaml, as a JSON merge patch. A second document is an update of the object that the first made.
package samples

import (
	"bytes"
	"context"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// Write creates what the first document declares and updates it to the second, and gives the answer to the last one. What it made is
// deleted when the test ends.
func Write(t testing.TB, c client.Client, base, sample []byte) error {
	t.Helper()
	declared := Objects(t, base, sample)
	require.LessOrEqual(t, len(declared), 2)
	object := declared[0]
	err := c.Create(t.Context(), object)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, c.Delete(context.WithoutCancel(t.Context()), object)) })
	}
	if len(declared) == 1 {
		return err
	}
	require.NoError(t, err, "the first document is only there to be updated")
	update := declared[1]
	update.SetResourceVersion(object.GetResourceVersion())
	return c.Update(t.Context(), update)
}

// Objects lists what the documents of a sample declare, one after the other.
func Objects(t testing.TB, base, sample []byte) []*unstructured.Unstructured {
	t.Helper()
	var declared []*unstructured.Unstructured
	last := base
	for _, patch := range documents(t, sample) {
		last = merged(t, last, patch)
		declared = append(declared, decoded(t, last))
	}
	require.NotEmpty(t, declared)
	return declared
}

func documents(t testing.TB, raw []byte) [][]byte {
	t.Helper()
	var found [][]byte
	for document := range bytes.SplitSeq(raw, []byte("\n---\n")) {
		asJSON, err := yaml.YAMLToJSONStrict(document)
		require.NoError(t, err)
		found = append(found, asJSON)
	}
	return found
}

func merged(t testing.TB, base, patch []byte) []byte {
	t.Helper()
	asJSON, err := yaml.YAMLToJSONStrict(base)
	require.NoError(t, err)
	result, err := jsonpatch.MergePatch(asJSON, patch)
	require.NoError(t, err)
	return result
}

func decoded(t testing.TB, raw []byte) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal(raw, &object.Object))
	return object
}
