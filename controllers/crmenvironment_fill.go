package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan"
	"github.com/crmkeep/crmkeep/internal/status"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmrestores,verbs=create

// fill makes the restore that brings the data of the environment's source, once there is a database to bring it to. The watch on restores
// calls when it goes on.
func (r *Environments) fill(ctx context.Context, env *v1alpha1.CRMEnvironment, seen *facts.Environment, pass status.Pass) error {
	t := pass.Target
	switch {
	case pass.Keys != nil || pass.Workload != nil:
		return status.ErrNotReached
	case t.Source == nil || t.State == v1alpha1.StateSuspended || seen.Source.Restore != nil || !plan.DatabaseUp(t, seen):
		return nil
	}
	owner := metav1.NewControllerRef(env, v1alpha1.SchemeGroupVersion.WithKind("CRMEnvironment"))
	owner.BlockOwnerDeletion = nil // The environment's own finalizer sees to the order.
	restore := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: env.Namespace, Name: naming.SourceRestore(env.Name), OwnerReferences: []metav1.OwnerReference{*owner},
		},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: t.Source.Backup}},
			To:   v1alpha1.RestoreTo{EnvironmentRef: &v1alpha1.LocalReference{Name: env.Name}},
		},
	}
	if err := r.Client.Create(ctx, restore); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making CRMRestore %s: %w", restore.Name, err)
	}
	return outcome.Wait(v1alpha1.ReasonProgressing, cacheLag, "CRMRestore %s fills the environment", restore.Name)
}
