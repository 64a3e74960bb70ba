package validate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/plan/accepted"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// letIn is an environment that was let in, its record, and what is seen of it.
func letIn(t *testing.T, change ...func(*v1alpha1.CRMEnvironment)) (*v1alpha1.CRMEnvironment, *facts.Environment) {
	t.Helper()
	env := build.Environment("acme", "prod", change...)
	env.UID, env.Status.Namespace, env.Status.Version = "uid-1", "crm-acme--prod", "2.0"
	seen := &facts.Environment{Tenant: build.Tenant("acme"), Class: build.Class()}
	resolved, err := validate.Environment(build.Settings(), env, seen)
	require.NoError(t, err)
	seen.Accepted = record(t, &resolved)
	return env, seen
}

func record(t *testing.T, resolved *target.Target) map[string]string {
	t.Helper()
	object, err := accepted.Record(resolved)
	require.NoError(t, err)
	text, err := json.Marshal(object.Configuration)
	require.NoError(t, err)
	var written corev1ac.ConfigMapApplyConfiguration
	require.NoError(t, json.Unmarshal(text, &written))
	return written.Data
}

func TestWhatWasLetInIsKeptUpInTheStateThatIsDeclaredNow(t *testing.T) {
	env, seen := letIn(t)
	before, err := validate.Environment(build.Settings(), env, seen)
	require.NoError(t, err)

	env.Spec.Version, env.Spec.Size, env.Spec.Hostname, env.Spec.State = "9.9", "Large", "other.example", v1alpha1.StateQuarantined
	seen.Class = nil
	kept, ok := validate.Accepted(build.Settings(), env, seen)
	require.True(t, ok)
	assert.Equal(t, v1alpha1.StateQuarantined, kept.State)
	kept.State, kept.Declared.State = before.State, before.Declared.State
	before.Class.DisplayName = ""
	assert.Equal(t, before, kept)
	assert.Equal(t, seen.Accepted, record(t, &kept), "to keep it up does not change the record")
}

func TestNothingIsKeptUpThatWasNotLetIn(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.CRMEnvironment, *facts.Environment){
		"there is no record":                          func(_ *v1alpha1.CRMEnvironment, f *facts.Environment) { f.Accepted = nil },
		"the record is of one deleted since":          func(e *v1alpha1.CRMEnvironment, _ *facts.Environment) { e.UID = "uid-2" },
		"somebody has broken the record":              func(_ *v1alpha1.CRMEnvironment, f *facts.Environment) { f.Accepted["class"] = "{" },
		"nothing was made of it":                      func(e *v1alpha1.CRMEnvironment, _ *facts.Environment) { e.Status.Namespace = "" },
		"there is no tenant":                          func(_ *v1alpha1.CRMEnvironment, f *facts.Environment) { f.Tenant = nil },
		"the class of then does not fit the database": func(e *v1alpha1.CRMEnvironment, _ *facts.Environment) { e.Status.Version = "3.0" },
	} {
		t.Run(name, func(t *testing.T) {
			env, seen := letIn(t, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "2.0" })
			change(env, seen)
			_, ok := validate.Accepted(build.Settings(), env, seen)
			assert.False(t, ok)
		})
	}
}

// Without its class nobody knows whether an environment has role policies.
func TestWhoIsKeptOutStaysOutWithoutTheClass(t *testing.T) {
	env, seen := letIn(t)
	env.Status.Access = &v1alpha1.AccessStatus{ClosedSince: &metav1.Time{Time: backed}}
	seen.Class, seen.Governed = nil, false
	kept, ok := validate.Accepted(build.Settings(), env, seen)
	require.True(t, ok)
	assert.True(t, kept.Closed)
}

func TestAnotherStateAsksForNothingThatALimitCouldForbid(t *testing.T) {
	env, seen := letIn(t)
	seen.Tenant.Spec.Limits = &v1alpha1.TenantLimits{Environments: build.Pointer[int32](0)}
	env.Generation++
	env.Spec.State = v1alpha1.StateSuspended
	_, err := validate.Environment(build.Settings(), env, seen)
	require.NoError(t, err)
	env.Spec.Size = "Medium"
	_, err = validate.Environment(build.Settings(), env, seen)
	require.ErrorContains(t, err, "spec.limits.environments")
}

func TestADeclarationThatDoesNotFitItsRecordIsRefused(t *testing.T) {
	env := build.Environment("acme", "prod")
	class := build.Class(func(c *v1alpha1.CRMClass) { c.Spec.Files[0].Template = strings.Repeat("x", 1_000_000) })
	resolved, err := target.Resolve(build.Settings(), build.Tenant("acme"), class, env)
	require.NoError(t, err)
	_, err = accepted.Record(&resolved)
	require.ErrorContains(t, err, `CRMClass "demo" and the environment have 100`)
	require.ErrorContains(t, err, "shorten the class's templates")
}
