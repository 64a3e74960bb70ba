package controllers_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// deletingTheKindsRetains is the last story: nothing is left to tell others with. The operator is not restarted.
func deletingTheKindsRetains(t *testing.T, in *installation) {
	in.operate(t)
	tenants := []string{"survivor", "neighbour"}
	claims := map[string]map[string]string{}
	for _, name := range tenants {
		in.tenant(t, name)
		env := in.ready(t, name, "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.DeletionPolicy = v1alpha1.DeletionShred })
		claims[name] = in.claims(t, env)
	}

	definitions := readDefinitions(t)
	for _, d := range definitions {
		require.NoError(t, in.Delete(t.Context(), d.DeepCopy()))
	}
	for _, d := range definitions {
		in.gone(t, d.DeepCopy())
	}
	for _, name := range tenants {
		env := build.Environment(name, "prod")
		in.until(t, "nothing runs", func() error { return mustBe(len(in.pods(t, env)) == 0, "%v", in.pods(t, env)) })
		assert.Equal(t, claims[name], in.claims(t, env), name)
		assert.NotNil(t, in.inVault(t, env).EncryptionKey, name)
	}

	for _, d := range definitions {
		require.NoError(t, in.Create(t.Context(), d.DeepCopy()))
	}
	in.until(t, "the kinds are served again", func() error {
		return ignore(in.Create(t.Context(), withoutGeneration(build.Class())), apierrors.IsAlreadyExists)
	})
	for _, name := range tenants {
		in.until(t, "a tenant can be declared again", func() error {
			tenant := build.Tenant(name)
			tenant.Generation = 0
			return ignore(in.Create(t.Context(), tenant), apierrors.IsAlreadyExists)
		})
		in.until(t, "an environment can be declared again", func() error {
			return ignore(in.Create(t.Context(), unborn(build.Environment(name, "prod"))), apierrors.IsAlreadyExists)
		})
	}
	for _, name := range tenants {
		env := build.Environment(name, "prod")
		in.comesTo(t, env, "True Succeeded")
		assert.Equal(t, claims[name], in.claims(t, env), name)
	}
}

func readDefinitions(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob("../config/crd/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var definitions []*unstructured.Unstructured
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		d := &unstructured.Unstructured{}
		require.NoError(t, yaml.Unmarshal(content, &d.Object))
		definitions = append(definitions, d)
	}
	return definitions
}

func withoutGeneration(class *v1alpha1.CRMClass) *v1alpha1.CRMClass {
	class.Generation = 0
	return class
}

func ignore(err error, which func(error) bool) error {
	if err != nil && which(err) {
		return nil
	}
	return err
}
