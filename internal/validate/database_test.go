package validate_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

func TestTheCABundleOfAnExternalDatabaseIsReadBeforeAnyAgentMustReadIt(t *testing.T) {
	const sample = "../../test/api/testdata/crmenvironment/accepted/external-database-with-its-own-ca.yaml"
	raw, err := os.ReadFile(sample)
	require.NoError(t, err)
	declared := &v1alpha1.CRMEnvironment{}
	require.NoError(t, yaml.UnmarshalStrict(raw, declared))
	check := func(caBundle string) error {
		w := newWorld(func(w *world) {
			w.env.Spec.Database = declared.Spec.Database.DeepCopy()
			w.env.Spec.Database.External.CABundle = caBundle
		})
		_, err := validate.Environment(build.Settings(), w.env, &w.seen)
		return err
	}
	good := declared.Spec.Database.External.CABundle

	require.NoError(t, check(good))
	require.NoError(t, check(""), "without one it is the installation's")
	invalid, ok := outcome.AsInvalid(check(good[:len(good)/2]))
	require.True(t, ok)
	assert.Equal(t, v1alpha1.ReasonInvalid, invalid.Reason)
	assert.Contains(t, invalid.Message, "spec.database.external.caBundle: holds no certificate")
	assert.Contains(t, invalid.Message, "the installation's own")
}
