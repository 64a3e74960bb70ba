// Package teardown plans what stays of an environment that is deleted. It is pure.
package teardown

import (
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Environment is one that is deleted. Its class and tenant may be gone already, so it knows no more than names.
type Environment struct {
	Tenant, Name, Namespace string
	Settings                settings.Settings
}

// Layout is the environment's part of Vault, without components: what is found there under its name is what goes.
func (e Environment) Layout() layout.Layout {
	return secrets.Layout(target.VaultSettings(e.Settings), secrets.Environment{Tenant: e.Tenant, Name: e.Name, Namespace: e.Namespace})
}

// Kept is what stays as long as the namespace exists: what isolates it, and what the data in it needs to be taken up again.
func (e Environment) Kept() []object.Object {
	return []object.Object{{Configuration: corev1ac.ConfigMap(naming.VersionRecord, e.Namespace).WithLabels(object.Labels(e.Tenant, e.Name))}, {Configuration: networkingv1ac.NetworkPolicy("default-deny", e.Namespace).
		WithLabels(object.Labels(e.Tenant, e.Name)).
		WithSpec(networkingv1ac.NetworkPolicySpec().WithPodSelector(metav1ac.LabelSelector()).
			WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress))}}
}

// Statement says what a shred has destroyed. Backups are those that the destroyed key has made, as MadeWith gives them.
func (e Environment) Statement(
	env *v1alpha1.CRMEnvironment, tenant *v1alpha1.CRMTenant, backups []v1alpha1.CRMBackup, now time.Time,
) evidence.DestructionStatement {
	s := evidence.DestructionStatement{
		Tenant: e.Tenant, Environment: e.Name, UID: string(env.UID),
		Purpose: string(env.Spec.Purpose), Class: env.Spec.ClassRef.Name, Owner: tenant.Spec.Owner.Name,
		RequestedAt: env.DeletionTimestamp.UTC().Format(time.RFC3339), DestroyedAt: now.UTC().Format(time.RFC3339),
		Key: e.Layout().EncryptionKey.Name, Backups: destroyed(backups), BackupCount: len(backups),
	}
	if env.Status.Encryption != nil {
		s.KeyVersions = env.Status.Encryption.KeyVersion
	}
	return s
}

// CertificateName is the ConfigMap of an environment's certificate of destruction, in the tenant's home namespace.
func CertificateName(env *v1alpha1.CRMEnvironment) string {
	return "destroyed-" + env.Name + "-" + naming.Hash(string(env.UID))
}

// Certificate plans the ConfigMap. It belongs to the tenant: the environment's end does not reach it.
func (e Environment) Certificate(env *v1alpha1.CRMEnvironment, signed evidence.Certificate) (object.Object, error) {
	data, err := signed.Data()
	if err != nil {
		return object.Object{}, err
	}
	labels := object.Labels(e.Tenant, "")
	labels[naming.LabelEvidence] = "destruction"
	return object.Object{CreateOnly: true, Configuration: corev1ac.ConfigMap(CertificateName(env), env.Namespace).
		WithLabels(labels).WithImmutable(true).WithData(data)}, nil
}
