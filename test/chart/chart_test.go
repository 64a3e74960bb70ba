// Package chart proves what the Helm chart makes, on a real API server where it can.
package chart

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	needs "github.com/crmkeep/crmkeep/internal/testing/require"
)

const (
	chartFolder = "../../charts/crmkeep"
	// least are the values that an installation must give; everything sets each value that there is.
	least      = "testdata/values.yaml"
	everything = "testdata/everything.yaml"
)

// helm runs the program, without a cluster's configuration, and gives what it prints.
func helm(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	program := needs.Env(t, "HELM", "the program helm")
	command := exec.Command(program, arguments...)
	folder := t.TempDir()
	command.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(folder, "none"), "HELM_CONFIG_HOME="+folder,
		"HELM_CACHE_HOME="+folder, "HELM_DATA_HOME="+folder)
	var out, complaint bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaint
	err := command.Run()
	if err != nil {
		return out.String() + complaint.String(), err
	}
	return out.String(), nil
}

// render gives the objects of an installation in the usual namespace.
func render(t *testing.T, arguments ...string) []*unstructured.Unstructured {
	t.Helper()
	out, err := helm(t, append([]string{"template", "crmkeep", chartFolder, "--namespace=crmkeep-system"}, arguments...)...)
	require.NoError(t, err, out)
	var objects []*unstructured.Unstructured
	for document := range bytes.SplitSeq([]byte(out), []byte("\n---\n")) {
		object := &unstructured.Unstructured{}
		require.NoError(t, yaml.UnmarshalStrict(document, &object.Object), "%s", document)
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
	return objects
}

// find gives the object of a kind and name, decoded into a type of Kubernetes.
func find[T any](t *testing.T, objects []*unstructured.Unstructured, kind, name string) T {
	t.Helper()
	var found T
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &found))
			return found
		}
	}
	require.Fail(t, "nothing rendered", "%s %s", kind, name)
	return found
}

func has(objects []*unstructured.Unstructured, kind, name string) bool {
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return true
		}
	}
	return false
}
