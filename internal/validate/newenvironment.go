package validate

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// IntoNew checks a restore into an environment that is to be made for it, and declares that. Backups and
// environments are those of the tenant's home.
func IntoNew(
	r *v1alpha1.CRMRestore, backups []v1alpha1.CRMBackup, environments []v1alpha1.CRMEnvironment, classes []v1alpha1.CRMClass,
) (*v1alpha1.CRMEnvironment, error) {
	b, err := choose(r, backups)
	if err != nil {
		return nil, err
	}
	of := environment(b.Spec.EnvironmentRef.Name, environments)
	env := newEnvironment(r, b, of)
	class := slices.IndexFunc(classes, func(c v1alpha1.CRMClass) bool { return c.Name == env.Spec.ClassRef.Name })
	if class < 0 {
		return nil, outcome.Reject(v1alpha1.ReasonClassNotFound,
			"CRMBackup %s is of class %q, which does not exist; have the platform declare it", b.Name, env.Spec.ClassRef.Name)
	}
	if err := neutralisable(env, &classes[class]); err != nil {
		return nil, err
	}
	if of != nil && of.Status.Encryption != nil && of.Status.Encryption.KeyCreated != nil {
		tenant, _ := naming.TenantOfHome(r.Namespace)
		return env, opened(b, naming.WorkloadNamespace(tenant, of.Name), of.Status.Encryption)
	}
	return env, nil
}

// sandboxTTL is how long a sandbox lives that is made for a restore.
const sandboxTTL int64 = 24 * 60 * 60

// newEnvironment is like the one that the backup is of, as far as that is known. It gets neither its host name nor its integrations. A
// sandbox is shredded when its time is over: so nothing of it stays that a later one of the name could stumble on.
func newEnvironment(r *v1alpha1.CRMRestore, b *v1alpha1.CRMBackup, of *v1alpha1.CRMEnvironment) *v1alpha1.CRMEnvironment {
	to := r.Spec.To.NewEnvironment
	env := &v1alpha1.CRMEnvironment{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.Namespace, Name: to.Name, Labels: map[string]string{naming.LabelRestore: r.Name}},
		Spec: v1alpha1.CRMEnvironmentSpec{
			ClassRef: v1alpha1.ClassReference{Name: b.Status.Record.Class}, Version: b.Status.Record.Version,
			Purpose: cmp.Or(to.Purpose, v1alpha1.PurposeSandbox), TTLSeconds: to.TTLSeconds,
			Source: &v1alpha1.EnvironmentSource{BackupRef: &v1alpha1.LocalReference{Name: b.Name}, KeepLogins: to.KeepLogins},
		},
	}
	if of != nil {
		env.Spec.ClassRef, env.Spec.Size, env.Spec.Resources = of.Spec.ClassRef, of.Spec.Size, of.Spec.Resources
		env.Spec.Version = cmp.Or(of.Status.Version, b.Status.Record.Version)
	}
	if env.Spec.Purpose == v1alpha1.PurposeSandbox {
		env.Spec.DeletionPolicy = v1alpha1.DeletionShred
		if env.Spec.TTLSeconds == nil {
			ttl := sandboxTTL
			env.Spec.TTLSeconds = &ttl
		}
	}
	return env
}

// MadeBy tells whether an environment is the one that was made for a restore.
func MadeBy(r *v1alpha1.CRMRestore, env *v1alpha1.CRMEnvironment) bool {
	source := env.Spec.Source
	return env.Labels[naming.LabelRestore] == r.Name && !env.CreationTimestamp.Before(&r.CreationTimestamp) &&
		env.Spec.Purpose == cmp.Or(r.Spec.To.NewEnvironment.Purpose, v1alpha1.PurposeSandbox) &&
		source != nil && source.BackupRef != nil && source.BackupRef.Name == r.Status.Backup
}
