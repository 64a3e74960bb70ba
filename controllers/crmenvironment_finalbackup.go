package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackups,verbs=get;list;watch;create

// finalBackup makes the backup that a deletion was asked to make before it takes anything apart, and gives what it waits for: nil when the
// backup is complete or not wanted. Nobody who deletes a CustomResourceDefinition or a home namespace has asked for it.
func (r *Environments) finalBackup(ctx context.Context, env *v1alpha1.CRMEnvironment) (waits, err error) {
	if _, ok := naming.TenantOfHome(env.Namespace); !ok || env.Status.Namespace == "" || !teardown.WantsFinalBackup(env) {
		return nil, nil
	}
	if gone, err := r.surroundingsGo(ctx, env); gone || err != nil {
		return nil, err
	}
	backups, err := r.Observer.Backups(ctx, env.Namespace)
	if err != nil {
		return nil, err
	}
	next := teardown.NextFinalBackup(env, backups, r.Clock.Now())
	if next.Make != nil {
		if err := r.Client.Create(ctx, next.Make); err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("making the final backup: %w", err)
		}
	}
	if next.Complete == "" {
		return next.Waits, nil
	}
	made := env.Status.DeepCopy()
	made.FinalBackup = next.Complete
	return nil, r.Status.Environment(ctx, env, *made)
}
