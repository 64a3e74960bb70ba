package validate_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

func TestTheClassesThatComeAlongAreValid(t *testing.T) {
	for _, file := range []string{"../../config/classes/tryton.yaml", "../../test/classes/ttrss.yaml"} {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var class v1alpha1.CRMClass
		require.NoError(t, yaml.UnmarshalStrict(content, &class))
		assert.NoError(t, validate.Class(&class), file)
	}
	assert.NoError(t, validate.Class(build.Class()))
}

// withAdapter gives the class of tests an adapter with what it needs.
func withAdapter(s *v1alpha1.CRMClassSpec) {
	s.Adapter = "tryton"
	s.Files = append(s.Files, v1alpha1.ClassFile{Name: "adapter-password", Template: "${adapter.password}", Audience: "Migration"})
}

func TestTheMigrationGetsTheAdaptersPasswordByAFileOrAVariable(t *testing.T) {
	assert.NoError(t, validate.Class(build.Class(func(c *v1alpha1.CRMClass) { withAdapter(&c.Spec) })))
	assert.NoError(t, validate.Class(build.Class(func(c *v1alpha1.CRMClass) {
		c.Spec.Adapter = "tryton"
		c.Spec.Env = []v1alpha1.ClassEnvVar{{Name: "PASSWORD", Template: "${adapter.password}", Audience: "Migration"}}
	})))
}

func TestAClassIsRefusedWithFieldProblemAndRemedy(t *testing.T) {
	cases := map[string]struct {
		spoil func(*v1alpha1.CRMClassSpec)
		want  []string
	}{
		"an unknown binding offers the nearest": {
			func(s *v1alpha1.CRMClassSpec) { s.Files[0].Template = "${environment.ulr}" },
			[]string{"spec.files[0].template", "${environment.ulr}", "did you mean ${environment.url}?"},
		},
		"no component that people open": {
			func(s *v1alpha1.CRMClassSpec) { s.Components = s.Components[1:] },
			[]string{"spec.components: exactly one must have type Web"},
		},
		"a component that people open, without a port": {
			func(s *v1alpha1.CRMClassSpec) { s.Components[0].Port = nil },
			[]string{"spec.components[0].port: needed for type Web"},
		},
		"an object of the catalogue without a native model": {
			func(s *v1alpha1.CRMClassSpec) { s.Objects = []v1alpha1.ClassObject{{Name: "contact"}} },
			[]string{"spec.objects[0].native: must list at least one"},
		},
		"a native model in two objects of the catalogue": {
			func(s *v1alpha1.CRMClassSpec) {
				s.Objects = []v1alpha1.ClassObject{{Name: "contact", Native: []string{"party"}}, {Name: "company", Native: []string{"party"}}}
			},
			[]string{"spec.objects[1].native", `"party" is in "contact" already`, "leave it in one of them"},
		},
		"no size": {
			func(s *v1alpha1.CRMClassSpec) { s.Sizes = nil },
			[]string{"spec.sizes: must list at least one"},
		},
		"a binding that is not closed": {
			func(s *v1alpha1.CRMClassSpec) {
				s.Env = []v1alpha1.ClassEnvVar{{Name: "A", Template: "x${tenant.name"}}
			},
			[]string{"spec.env[0].template", "no closing", `"$${"`},
		},
		"a secret in a component's command": {
			func(s *v1alpha1.CRMClassSpec) { s.Components[1].Command = []string{"demo", "--key", "${key.hex}"} },
			[]string{"spec.components[1].command[2]", "${key.hex}", "would stand in a pod spec", "spec.files or spec.env"},
		},
		"a secret in the migration's command": {
			func(s *v1alpha1.CRMClassSpec) { s.Migration.Command = []string{"demo", "${admin.password}"} },
			[]string{"spec.migration.command[1]", "would stand in a pod spec"},
		},
		"a secret in the command that neutralises": {
			func(s *v1alpha1.CRMClassSpec) {
				s.Neutralise = &v1alpha1.ClassCommand{Command: []string{"${key.base64}"}}
			},
			[]string{"spec.neutralise.command[0]"},
		},
		"a secret in a readiness path": {
			func(s *v1alpha1.CRMClassSpec) { s.Components[0].Readiness.Path = "/${key.hex}" },
			[]string{"spec.components[0].readiness.path"},
		},
		"a secret in a liveness body": {
			func(s *v1alpha1.CRMClassSpec) {
				s.Components[0].Liveness = &v1alpha1.HTTPCheck{Path: "/", Body: "${key.hex}"}
			},
			[]string{"spec.components[0].liveness.body"},
		},
		"a secret in a check": {
			func(s *v1alpha1.CRMClassSpec) {
				s.Checks = []v1alpha1.ClassCheck{{Name: "answers", HTTP: &v1alpha1.HTTPCheck{Path: "/", Body: "${admin.password}"}}}
			},
			[]string{"spec.checks[0].http.body"},
		},
		"the first administrator's password outside the migration": {
			func(s *v1alpha1.CRMClassSpec) { s.Files[1].Audience = "" },
			[]string{"spec.files[1].template", "for the migration only", "set audience: Migration"},
		},
		"an administrator that the class does not have": {
			func(s *v1alpha1.CRMClassSpec) { s.Admin = nil },
			[]string{"spec.files[1].template", "the class has no spec.admin"},
		},
		"an administrator's login that the class does not have": {
			func(s *v1alpha1.CRMClassSpec) {
				s.Admin, s.Files = nil, nil
				s.Components[0].Command = []string{"${admin.login}"}
			},
			[]string{"spec.components[0].command[0]", "the class has no spec.admin"},
		},
		"the password of crmkeep's own account outside the migration": {
			func(s *v1alpha1.CRMClassSpec) { withAdapter(s); s.Files[2].Audience = "All" },
			[]string{"spec.files[2].template", "${adapter.password}", "for the migration only"},
		},
		"the password of crmkeep's own account in a command": {
			func(s *v1alpha1.CRMClassSpec) { withAdapter(s); s.Migration.Command = []string{"${adapter.password}"} },
			[]string{"spec.migration.command[0]", "would stand in a pod spec"},
		},
		"an account for an adapter that the class does not have": {
			func(s *v1alpha1.CRMClassSpec) { withAdapter(s); s.Adapter = "" },
			[]string{"spec.files[2].template", "the class has no spec.adapter"},
		},
		"an adapter that gets no account": {
			func(s *v1alpha1.CRMClassSpec) { withAdapter(s); s.Files[2].Template = "${adapter.login}" },
			[]string{"spec.adapter", `account "crmkeep"`, "use ${adapter.password} in spec.files or spec.env, with audience: Migration"},
		},
		"an adapter that does not exist": {
			func(s *v1alpha1.CRMClassSpec) { withAdapter(s); s.Adapter = "trytn" },
			[]string{"spec.adapter", `no adapter "trytn"`, `did you mean "tryton"?`},
		},
		"an administrator with the login of crmkeep's own account": {
			func(s *v1alpha1.CRMClassSpec) { withAdapter(s); s.Admin.Login = "Crmkeep" },
			[]string{"spec.admin.login", `"Crmkeep" is the account that the adapter works as`, "choose another"},
		},
		"a data key that the class does not have": {
			func(s *v1alpha1.CRMClassSpec) { s.DataKey = nil },
			[]string{"spec.files[0].template", "the class has no spec.dataKey"},
		},
		"an upgrade from a version that is not there": {
			func(s *v1alpha1.CRMClassSpec) { s.Versions[1].UpgradesFrom = []string{"0.5"} },
			[]string{"spec.versions[1].upgradesFrom", `"0.5"`},
		},
		"a size of a component that is not there": {
			func(s *v1alpha1.CRMClassSpec) { s.Sizes[1].Components[0].Name = "wbe" },
			[]string{"spec.sizes[1].components", `"wbe"`},
		},
		"a size of a volume that is not there": {
			func(s *v1alpha1.CRMClassSpec) { s.Sizes[0].Volumes = []v1alpha1.VolumeSize{{Name: "state"}} },
			[]string{"spec.sizes[0].volumes", `"state"`},
		},
		"sizes that would make room in a tenant's limits": {
			func(s *v1alpha1.CRMClassSpec) {
				s.Sizes[0].Components = []v1alpha1.ComponentSize{{Name: "web", Resources: &v1alpha1.ComputeResources{
					CPU: build.Pointer(resource.MustParse("-1")), Memory: build.Pointer(resource.MustParse("0"))}}}
				s.Sizes[1].Database.Storage = build.Pointer(resource.MustParse("-2Gi"))
				s.Sizes[1].Database.Resources = &v1alpha1.ComputeResources{Memory: build.Pointer(resource.MustParse("-1Mi"))}
				s.Sizes[1].Volumes = []v1alpha1.VolumeSize{{Name: "uploads", Size: resource.MustParse("0")}}
			},
			[]string{
				"spec.sizes[0].components[0].resources.cpu: must be more than 0", "spec.sizes[0].components[0].resources.memory: must",
				"spec.sizes[1].database.storage: must", "spec.sizes[1].database.resources.memory: must", "spec.sizes[1].volumes[0].size: must",
			},
		},
		"everything that is wrong is said at once": {
			func(s *v1alpha1.CRMClassSpec) { s.Files[0].Template, s.Migration.Command[0] = "${a}", "${b}" },
			[]string{"spec.files[0].template", "spec.migration.command[0]"},
		},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			class := build.Class()
			c.spoil(&class.Spec)
			invalid, ok := outcome.AsInvalid(validate.Class(class))
			require.True(t, ok)
			assert.Equal(t, v1alpha1.ReasonInvalid, invalid.Reason)
			for _, part := range c.want {
				assert.Contains(t, invalid.Message, part)
			}
		})
	}
}
