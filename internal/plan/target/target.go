// Package target resolves what an environment leaves open, by its class, its tenant and the installation's settings, into the one
// complete statement that every part of the plan is made from. It is pure.
package target

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// DefaultUser is the user and group id of every container of a class that names none.
const DefaultUser int64 = 65532

// What a class gets that leaves a number out.
var (
	defaultCPU            = resource.MustParse("100m")
	defaultMemory         = resource.MustParse("128Mi")
	defaultDatabaseMemory = resource.MustParse("256Mi")
	defaultDatabaseDisk   = resource.MustParse("5Gi")
	defaultVolumeDisk     = resource.MustParse("1Gi")
)

// Target is an environment with nothing left open.
type Target struct {
	Settings settings.Settings
	Vault    layout.Settings

	// Declared is what this was resolved from, besides the class.
	Declared v1alpha1.CRMEnvironmentSpec
	UID      types.UID

	Tenant      string
	DisplayName string
	Environment string
	Purpose     v1alpha1.Purpose
	Namespace   string
	Hostname    string
	State       v1alpha1.EnvironmentState
	// Closed keeps people out until the role policies hold: the CRM may still let in who has left.
	Closed bool

	ClassName string
	Class     v1alpha1.CRMClassSpec
	Version   v1alpha1.ClassVersion
	// Current is the version that the database is at; empty before the first migration.
	Current v1alpha1.ClassVersion
	User    int64

	// Source fills the environment; nil for one that starts empty or has its data already.
	Source *Source
	// Filled is what the environment was filled with; nil for one that starts empty or is not filled yet.
	Filled *v1alpha1.EnvironmentSourceStatus
	// KeepLogins are the people who can still log in to a copy.
	KeepLogins []v1alpha1.Login

	Components   []Component
	Database     Database
	Volumes      []Volume
	Integrations []v1alpha1.Integration
}

// Component is a component with its size.
type Component struct {
	v1alpha1.ClassComponent
	Replicas int32
	CPU      resource.Quantity
	Memory   resource.Quantity
}

// Database is where the data lives. External is nil for the environment's own instance.
type Database struct {
	CPU      resource.Quantity
	Memory   resource.Quantity
	Storage  resource.Quantity
	External *v1alpha1.ExternalDatabase
}

// Volume is a volume with its size.
type Volume struct {
	v1alpha1.ClassVolume
	Size resource.Quantity
}

// Resolve completes an environment. The error is an outcome.Invalid that names the field.
func Resolve(s settings.Settings, tenant *v1alpha1.CRMTenant, class *v1alpha1.CRMClass, env *v1alpha1.CRMEnvironment) (Target, error) {
	t := Target{
		Settings: s, Vault: vaultSettings(s, env.Spec.Encryption),
		Declared: env.Spec, UID: env.UID,
		Tenant: tenant.Name, DisplayName: tenant.Spec.DisplayName,
		Environment: env.Name, Purpose: env.Spec.Purpose,
		Namespace:    naming.WorkloadNamespace(tenant.Name, env.Name),
		Hostname:     env.Spec.Hostname,
		State:        cmp.Or(env.Spec.State, v1alpha1.StateRunning),
		ClassName:    class.Name,
		Class:        class.Spec,
		User:         valueOr(class.Spec.User, DefaultUser),
		Integrations: env.Spec.Integrations,
	}
	t.resolveSource(env)
	if err := t.resolveVersion(class, env); err != nil {
		return Target{}, err
	}
	size, err := chooseSize(class, env)
	if err != nil {
		return Target{}, err
	}
	override := valueOr(env.Spec.Resources, v1alpha1.EnvironmentResources{})
	if err := t.checkReplicas(override.Components); err != nil {
		return Target{}, err
	}
	t.resolveSizes(size, override)
	return t, t.resolveDatabase(env)
}

// WebComponent is the one that people open. The API server has seen to it that there is exactly one.
func (t *Target) WebComponent() Component {
	i := slices.IndexFunc(t.Components, func(c Component) bool { return c.Type == v1alpha1.ComponentWeb })
	return t.Components[i]
}

// NeedsMigration tells whether the database has to be taken to the wanted version first.
func (t *Target) NeedsMigration() bool { return t.Current.Name != t.Version.Name }

// URL that people open.
func (t *Target) URL() string { return naming.URL(t.PublicHost()) }

// PublicHost is the host name of the URL: the declared one, or the Service's.
func (t *Target) PublicHost() string {
	return cmp.Or(t.Hostname, naming.ServiceHost(t.WebComponent().Name, t.Namespace))
}

func (t *Target) resolveVersion(class *v1alpha1.CRMClass, env *v1alpha1.CRMEnvironment) error {
	wanted := WantedVersion(class, env)
	i := indexOfVersion(class.Spec.Versions, wanted)
	if i < 0 {
		return outcome.Reject(v1alpha1.ReasonVersionUnknown, "spec.version: class %s has no version %q; it has %s",
			class.Name, wanted, versionNames(class.Spec.Versions))
	}
	t.Version = class.Spec.Versions[i]
	if env.Status.Version == "" {
		return nil
	}
	t.Current = v1alpha1.ClassVersion{Name: env.Status.Version}
	at := indexOfVersion(class.Spec.Versions, env.Status.Version)
	if at >= 0 {
		t.Current = class.Spec.Versions[at]
	}
	if !t.NeedsMigration() || canUpgrade(t.Version, env.Status.Version, at, i) {
		return nil
	}
	return outcome.Reject(v1alpha1.ReasonVersionUnknown,
		"spec.version: %q cannot be reached from %q, which the database is at; set spec.version to %q or to a version that upgrades from it",
		wanted, env.Status.Version, env.Status.Version)
}

// WantedVersion is what the environment names, or the version that was chosen when it was first seen.
func WantedVersion(class *v1alpha1.CRMClass, env *v1alpha1.CRMEnvironment) string {
	return cmp.Or(env.Spec.Version, env.Status.Version, env.Status.TargetVersion, class.Spec.DefaultVersion)
}

func canUpgrade(to v1alpha1.ClassVersion, from string, fromIndex, toIndex int) bool {
	if len(to.UpgradesFrom) > 0 {
		return slices.Contains(to.UpgradesFrom, from)
	}
	return fromIndex >= 0 && fromIndex < toIndex
}

func indexOfVersion(versions []v1alpha1.ClassVersion, name string) int {
	return slices.IndexFunc(versions, func(v v1alpha1.ClassVersion) bool { return v.Name == name })
}

func versionNames(versions []v1alpha1.ClassVersion) []string {
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = v.Name
	}
	return names
}

func chooseSize(class *v1alpha1.CRMClass, env *v1alpha1.CRMEnvironment) (v1alpha1.ClassSize, error) {
	if env.Spec.Size == "" {
		return class.Spec.Sizes[0], nil
	}
	i := slices.IndexFunc(class.Spec.Sizes, func(s v1alpha1.ClassSize) bool { return s.Name == env.Spec.Size })
	if i < 0 {
		var names []v1alpha1.SizeName
		for _, s := range class.Spec.Sizes {
			names = append(names, s.Name)
		}
		return v1alpha1.ClassSize{}, outcome.Reject(v1alpha1.ReasonSizeUnknown, "spec.size: class %s does not offer %q; it offers %s",
			class.Name, env.Spec.Size, names)
	}
	return class.Spec.Sizes[i], nil
}

// ExclusiveVolume names a volume of a component that keeps it at one replica; empty if none does.
func (t *Target) ExclusiveVolume(c v1alpha1.ClassComponent) string {
	for _, m := range c.VolumeMounts {
		for _, v := range t.Class.Volumes {
			if v.Name == m.Name && v.AccessMode == string(corev1.ReadWriteOnce) {
				return v.Name
			}
		}
	}
	return ""
}

// checkReplicas refuses an environment's own wish that its class's volumes do not allow. A size's is cut to one instead: it is for
// every environment of the class.
func (t *Target) checkReplicas(wanted []v1alpha1.ComponentSize) error {
	for i, s := range wanted {
		at := slices.IndexFunc(t.Class.Components, func(c v1alpha1.ClassComponent) bool { return c.Name == s.Name })
		if at < 0 || valueOr(s.Replicas, 1) == 1 {
			continue
		}
		if volume := t.ExclusiveVolume(t.Class.Components[at]); volume != "" {
			return outcome.Reject(v1alpha1.ReasonInvalid,
				"spec.resources.components[%d].replicas: component %q mounts the volume %q, which is ReadWriteOnce in class %s and keeps it at one replica; leave replicas out",
				i, s.Name, volume, t.ClassName)
		}
	}
	return nil
}

func (t *Target) resolveSizes(size v1alpha1.ClassSize, override v1alpha1.EnvironmentResources) {
	for _, c := range t.Class.Components {
		component := Component{ClassComponent: c, Replicas: 1, CPU: defaultCPU, Memory: defaultMemory}
		for _, list := range [][]v1alpha1.ComponentSize{size.Components, override.Components} {
			for _, s := range list {
				if s.Name == c.Name {
					component.Replicas = valueOr(s.Replicas, component.Replicas)
					component.CPU, component.Memory = compute(s.Resources, component.CPU, component.Memory)
				}
			}
		}
		if t.ExclusiveVolume(c) != "" {
			component.Replicas = 1
		}
		t.Components = append(t.Components, component)
	}
	t.Database = Database{CPU: defaultCPU, Memory: defaultDatabaseMemory, Storage: defaultDatabaseDisk}
	for _, d := range []*v1alpha1.DatabaseSize{&size.Database, override.Database} {
		if d != nil {
			t.Database.CPU, t.Database.Memory = compute(d.Resources, t.Database.CPU, t.Database.Memory)
			t.Database.Storage = valueOr(d.Storage, t.Database.Storage)
		}
	}
	for _, v := range t.Class.Volumes {
		volume := Volume{ClassVolume: v, Size: defaultVolumeDisk}
		for _, s := range slices.Concat(size.Volumes, override.Volumes) {
			if s.Name == v.Name {
				volume.Size = s.Size
			}
		}
		t.Volumes = append(t.Volumes, volume)
	}
}

func (t *Target) resolveDatabase(env *v1alpha1.CRMEnvironment) error {
	d := env.Spec.Database
	switch {
	case d == nil:
	case d.External != nil:
		t.Database.External = d.External
	default:
		return outcome.Reject(v1alpha1.ReasonUnsupported,
			"spec.database.cloudNativePG: this build cannot hand a database to CloudNativePG; remove spec.database, or make a new environment with spec.database.external")
	}
	return nil
}

func compute(r *v1alpha1.ComputeResources, cpu, memory resource.Quantity) (resource.Quantity, resource.Quantity) {
	if r == nil {
		return cpu, memory
	}
	return valueOr(r.CPU, cpu), valueOr(r.Memory, memory)
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func vaultSettings(s settings.Settings, e *v1alpha1.EnvironmentEncryption) layout.Settings {
	v := VaultSettings(s)
	if e != nil && e.KeyRotationDays != nil {
		v.KeyRotationPeriod = time.Duration(*e.KeyRotationDays) * 24 * time.Hour
	}
	if e != nil && e.CertificateTTLSeconds != nil {
		v.CertificateTTL = time.Duration(*e.CertificateTTLSeconds) * time.Second
	}
	return v
}

// VaultSettings are the installation's, as the Vault layout takes them.
func VaultSettings(s settings.Settings) layout.Settings {
	v := layout.Default()
	v.Prefix, v.AuthMount, v.Audience = s.Vault.Prefix, s.Vault.AuthMount, s.Vault.Audience
	v.CertificateTTL = time.Duration(s.CertificateTTLSeconds) * time.Second
	v.KeyRotationPeriod = time.Duration(s.KeyRotationDays) * 24 * time.Hour
	return v
}
