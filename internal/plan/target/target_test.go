package target_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

func TestWhatIsLeftOpenIsDecidedByTheClass(t *testing.T) {
	got := resolve(t, build.Class(), func(*v1alpha1.CRMEnvironment) {})
	assert.Equal(t, "2.0", got.Version.Name)
	assert.Empty(t, got.Current.Name)
	assert.True(t, got.NeedsMigration())
	assert.Equal(t, v1alpha1.StateRunning, got.State)
	assert.Equal(t, target.DefaultUser, got.User)
	assert.Equal(t, "2Gi", got.Database.Storage.String(), "of the first size")
	assert.Equal(t, "256Mi", got.Database.Memory.String())
	assert.Equal(t, "1Gi", got.Volumes[0].Size.String())
	assert.Equal(t, "100m", got.Components[0].CPU.String())
	assert.EqualValues(t, 1, got.Components[0].Replicas)
	assert.Equal(t, "https://web.crm-acme--prod.svc", got.URL())
	assert.Equal(t, 30*24*time.Hour, got.Vault.KeyRotationPeriod)
}

func TestWhatTheEnvironmentSaysComesBeforeTheSizeAndTheInstallation(t *testing.T) {
	got := resolve(t, build.Class(), func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Size, e.Spec.Hostname = "Medium", "crm.acme.example"
		e.Spec.Resources = &v1alpha1.EnvironmentResources{
			Components: []v1alpha1.ComponentSize{{
				Name: "web", Resources: &v1alpha1.ComputeResources{Memory: build.Pointer(resource.MustParse("1Gi"))},
			}},
			Database: &v1alpha1.DatabaseSize{Storage: build.Pointer(resource.MustParse("50Gi"))},
			Volumes:  []v1alpha1.VolumeSize{{Name: "uploads", Size: resource.MustParse("7Gi")}},
		}
		e.Spec.Encryption = &v1alpha1.EnvironmentEncryption{
			KeyRotationDays: build.Pointer[int32](7), CertificateTTLSeconds: build.Pointer[int64](600)}
	})
	assert.EqualValues(t, 3, got.Components[1].Replicas, "of the size, as the override leaves it out")
	assert.Equal(t, "1Gi", got.Components[0].Memory.String())
	assert.Equal(t, "100m", got.Components[0].CPU.String())
	assert.EqualValues(t, 1, got.Components[0].Replicas)
	assert.Equal(t, "50Gi", got.Database.Storage.String())
	assert.Equal(t, "7Gi", got.Volumes[0].Size.String())
	assert.Equal(t, "https://crm.acme.example", got.URL())
	assert.Equal(t, 7*24*time.Hour, got.Vault.KeyRotationPeriod)
	assert.Equal(t, 10*time.Minute, got.Vault.CertificateTTL)
}

func TestAComponentWithAVolumeForOnePodHasOneReplicaWhateverTheSizeSays(t *testing.T) {
	many := func(mode string) *v1alpha1.CRMClass {
		return build.Class(func(c *v1alpha1.CRMClass) {
			c.Spec.Volumes[0].AccessMode = mode
			c.Spec.Sizes[0].Components = []v1alpha1.ComponentSize{
				{Name: "web", Replicas: build.Pointer[int32](3)}, {Name: "queue", Replicas: build.Pointer[int32](2)}}
		})
	}
	got := resolve(t, many("ReadWriteOnce"), func(*v1alpha1.CRMEnvironment) {})
	assert.EqualValues(t, 1, got.Components[0].Replicas)
	assert.EqualValues(t, 2, got.Components[1].Replicas, "it mounts no volume")

	got = resolve(t, many("ReadWriteMany"), func(e *v1alpha1.CRMEnvironment) { e.Spec.Resources = webTimes(4) })
	assert.EqualValues(t, 4, got.Components[0].Replicas)
}

// webTimes asks for so many replicas.
func webTimes(replicas int32) *v1alpha1.EnvironmentResources {
	return &v1alpha1.EnvironmentResources{Components: []v1alpha1.ComponentSize{{Name: "web", Replicas: &replicas}}}
}

func TestTheWantedVersion(t *testing.T) {
	cases := map[string]struct {
		spec, at, chosen string
		want             string
	}{
		"nothing is said: the class's default": {want: "2.0"},
		"it is named":                          {spec: "1.0", want: "1.0"},
		"nothing is said, and it was chosen before the default moved":   {chosen: "1.0", want: "1.0"},
		"nothing is said, and the database is at one":                   {at: "1.0", chosen: "2.0", want: "1.0"},
		"it is named, whatever the database is at":                      {spec: "2.0", at: "1.0", want: "2.0"},
		"nothing is said any more after a failed change to another":     {at: "1.0", chosen: "2.0", want: "1.0"},
		"it is named, and that is where the database is already at too": {spec: "1.0", at: "1.0", want: "1.0"},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			got := resolve(t, build.Class(), func(e *v1alpha1.CRMEnvironment) {
				e.Spec.Version, e.Status.Version, e.Status.TargetVersion = c.spec, c.at, c.chosen
			})
			assert.Equal(t, c.want, got.Version.Name)
			assert.Equal(t, c.at != c.want, got.NeedsMigration())
		})
	}
}

func TestADeclarationThatCannotBeResolvedIsRefusedWithARemedy(t *testing.T) {
	cases := map[string]struct {
		class  func(*v1alpha1.CRMClass)
		env    func(*v1alpha1.CRMEnvironment)
		reason string
		want   []string
	}{
		"a version that the class does not have": {
			env:    func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "9.9" },
			reason: v1alpha1.ReasonVersionUnknown, want: []string{"spec.version", `"9.9"`, "1.0 2.0"},
		},
		"a version before the one that the database is at": {
			env:    func(e *v1alpha1.CRMEnvironment) { e.Spec.Version, e.Status.Version = "1.0", "2.0" },
			reason: v1alpha1.ReasonVersionUnknown, want: []string{"spec.version", "cannot be reached", `set spec.version to "2.0"`},
		},
		"a version that only upgrades from another": {
			class: func(c *v1alpha1.CRMClass) {
				c.Spec.Versions = append(c.Spec.Versions, v1alpha1.ClassVersion{Name: "3.0", Image: "crmkeep.local/demo:3.0", UpgradesFrom: []string{"2.0"}})
			},
			env:    func(e *v1alpha1.CRMEnvironment) { e.Spec.Version, e.Status.Version = "3.0", "1.0" },
			reason: v1alpha1.ReasonVersionUnknown, want: []string{"cannot be reached"},
		},
		"another version, when the class has dropped the one that the database is at": {
			env:    func(e *v1alpha1.CRMEnvironment) { e.Spec.Version, e.Status.Version = "2.0", "0.9" },
			reason: v1alpha1.ReasonVersionUnknown, want: []string{"cannot be reached"},
		},
		"a size that the class does not offer": {
			env:    func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Large" },
			reason: v1alpha1.ReasonSizeUnknown, want: []string{"spec.size", `"Large"`, "Small Medium"},
		},
		"more replicas of a component than its volume allows": {
			env:    func(e *v1alpha1.CRMEnvironment) { e.Spec.Resources = webTimes(2) },
			reason: v1alpha1.ReasonInvalid, want: []string{"spec.resources.components[0].replicas", `volume "uploads"`, "ReadWriteOnce", "leave replicas out"},
		},
		"a database that this build cannot make": {
			env: func(e *v1alpha1.CRMEnvironment) {
				e.Spec.Database = &v1alpha1.EnvironmentDatabase{CloudNativePG: &v1alpha1.CloudNativePGDatabase{Instances: 3}}
			},
			reason: v1alpha1.ReasonUnsupported, want: []string{"spec.database.cloudNativePG", "remove spec.database"},
		},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			class := build.Class()
			if c.class != nil {
				c.class(class)
			}
			_, err := target.Resolve(build.Settings(), build.Tenant("acme"), class, build.Environment("acme", "prod", c.env))
			invalid, ok := outcome.AsInvalid(err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, c.reason, invalid.Reason)
			for _, part := range c.want {
				assert.Contains(t, invalid.Message, part)
			}
		})
	}
}

func TestAVersionMaySkipOnesInBetweenUnlessItSaysFromWhere(t *testing.T) {
	class := build.Class(func(c *v1alpha1.CRMClass) {
		c.Spec.Versions = append(c.Spec.Versions, v1alpha1.ClassVersion{Name: "3.0", Image: "crmkeep.local/demo:3.0"})
	})
	got := resolve(t, class, func(e *v1alpha1.CRMEnvironment) { e.Spec.Version, e.Status.Version = "3.0", "1.0" })
	assert.Equal(t, "crmkeep.local/demo:1.0", got.Current.Image)
	assert.Equal(t, "crmkeep.local/demo:3.0", got.Version.Image)
}

func resolve(t *testing.T, class *v1alpha1.CRMClass, change func(*v1alpha1.CRMEnvironment)) target.Target {
	t.Helper()
	got, err := target.Resolve(build.Settings(), build.Tenant("acme"), class, build.Environment("acme", "prod", change))
	require.NoError(t, err)
	return got
}
