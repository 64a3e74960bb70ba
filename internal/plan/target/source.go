package target

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// Source is the backup that an environment is to be filled with. Its fields are empty as long as it was not looked for.
type Source struct {
	// Environment that the backup is of.
	Environment string
	Backup      string
	// Version of the product that the backup is of.
	Version string
}

// Unfilled tells whether an environment is to have the data of another one, and has none yet.
func Unfilled(env *v1alpha1.CRMEnvironment) bool {
	return env.Spec.Source != nil && env.Status.Source == nil && env.Status.Version == ""
}

// IsClosed tells whether people are kept out of an environment. Who lets them in again is the controller of access, when the roles hold.
func IsClosed(env *v1alpha1.CRMEnvironment) bool {
	return env.Status.Access != nil && env.Status.Access.ClosedSince != nil
}

// LetIn is the generation of the declaration that was let in last, 0 for none.
func LetIn(env *v1alpha1.CRMEnvironment) int64 {
	if c := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionNamespaceReady); c != nil {
		return c.ObservedGeneration
	}
	return 0
}

// IsFilling tells whether a restore was made by an environment that is to be filled. It replaces nothing that is worth keeping.
func IsFilling(r *v1alpha1.CRMRestore) bool {
	owner := metav1.GetControllerOf(r)
	return owner != nil && owner.APIVersion == v1alpha1.SchemeGroupVersion.String() && owner.Kind == "CRMEnvironment"
}

// Fills tells whether a restore is the one that fills the environment.
func Fills(r *v1alpha1.CRMRestore, env *v1alpha1.CRMEnvironment) bool {
	to := r.Spec.To.EnvironmentRef
	return metav1.IsControlledBy(r, env) && to != nil && to.Name == env.Name && r.Spec.From.BackupRef != nil
}

func (t *Target) resolveSource(env *v1alpha1.CRMEnvironment) {
	t.Filled = env.Status.Source
	if env.Spec.Source != nil {
		t.KeepLogins = env.Spec.Source.KeepLogins
	}
	if Unfilled(env) {
		t.Source = &Source{}
	}
}

// RestoreSource is the workload namespace of the environment whose backups this one is restored from: its own, once it has its data.
func (t *Target) RestoreSource() string {
	if t.Source == nil || t.Source.Environment == "" {
		return t.Namespace
	}
	return naming.WorkloadNamespace(t.Tenant, t.Source.Environment)
}

// Neutralises tells whether the migration makes the data of another environment harmless: once, before anything has run on it.
func (t *Target) Neutralises() bool {
	return t.Filled != nil && t.Current.Name == "" && MustNeutralise(t.Purpose)
}

// MustNeutralise tells whether a copy for the purpose must be made harmless.
func MustNeutralise(purpose v1alpha1.Purpose) bool { return purpose != v1alpha1.PurposeProduction }

// Reaches tells whether a database of that version can be taken to the wanted one.
func (t *Target) Reaches(version string) bool {
	versions := t.Class.Versions
	return version == t.Version.Name ||
		canUpgrade(t.Version, version, indexOfVersion(versions, version), indexOfVersion(versions, t.Version.Name))
}
