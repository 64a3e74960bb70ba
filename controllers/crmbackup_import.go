package controllers

import (
	"context"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// take takes up the record of a backup that the locations hold. The environment need not exist yet: it may be filled from the backup.
func (r *Backups) take(ctx context.Context, b *v1alpha1.CRMBackup) (ctrl.Result, error) {
	taken, err := r.imported(ctx, b)
	next := status.Backup(b, status.BackupPass{Err: err}, metav1.NewTime(r.Clock.Now()))
	if err == nil {
		next = status.BackupImported(b, taken, metav1.NewTime(r.Clock.Now()))
	}
	if err := r.Status.Backup(ctx, b, next); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	return conclude(err)
}

func (r *Backups) imported(ctx context.Context, b *v1alpha1.CRMBackup) (status.Imported, error) {
	namespace, err := workloadOf(b.Namespace, b.Spec.EnvironmentRef.Name)
	if err != nil {
		return status.Imported{}, err
	}
	tenant, _ := naming.TenantOfHome(b.Namespace)
	home, err := r.Observer.Tenant(ctx, tenant)
	if err != nil {
		return status.Imported{}, err
	}
	known, err := r.Observer.BackupLocations(ctx)
	if err != nil {
		return status.Imported{}, err
	}
	usable, err := validate.Importable(b, home, known)
	if err != nil {
		return status.Imported{}, err
	}
	of := teardown.Environment{Tenant: tenant, Name: b.Spec.EnvironmentRef.Name, Namespace: namespace, Settings: r.Settings}.Layout()
	repository, err := r.repositoryOf(ctx, namespace, of)
	if err != nil {
		return status.Imported{}, err
	}
	want := validate.Import{Tenant: tenant, Environment: b.Spec.EnvironmentRef.Name, Key: of.EncryptionKey.Name, Prefixes: map[string]string{}}
	var locations []config.Location
	for i := range usable {
		l := backup.Location(target.VaultSettings(r.Settings), &usable[i], repository)
		locations, want.Prefixes[l.Name] = append(locations, l), l.Prefix
	}
	document, others, err := r.Manifests.Find(ctx, locations, b.Spec.Import.ID)
	switch {
	case err != nil:
		return status.Imported{}, err
	case document == nil:
		return status.Imported{}, validate.NotThere(b, repository, others)
	}
	public, err := r.Vault.PublicKeys(ctx, of)
	if err != nil {
		return status.Imported{}, err
	}
	want.Trusted = slices.Collect(maps.Values(public))
	m, err := validate.Imported(b, document, want)
	return status.Imported{Manifest: m, Digest: manifest.Digest(document), Repository: repository}, err
}

// repositoryOf an environment, by the birth of its key in Vault.
func (r *Backups) repositoryOf(ctx context.Context, namespace string, of layout.Layout) (string, error) {
	have, err := r.Vault.ObserveKeys(ctx, of)
	switch {
	case err != nil:
		return "", err
	case have.EncryptionKey == nil || have.EncryptionKey.Created().IsZero():
		return "", outcome.Reject(v1alpha1.ReasonKeyVersionGone,
			"spec.import: Vault has no key %s with its first version, without which nobody can read a backup of the environment; "+
				"bring it back from a snapshot of Vault and make another CRMBackup", of.EncryptionKey.Name)
	}
	return backup.Repository(namespace, have.EncryptionKey.Created()), nil
}
