package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// dataLost refuses to go on without the volume of a database that had data. The caches hold only what has crmkeep's labels, so the API
// server is asked about one that they do not show: a claim that has lost its labels gets them back.
func (r *Environments) dataLost(ctx context.Context, t *target.Target, seen *facts.Environment) error {
	if !seen.DataMissing {
		return nil
	}
	claim := metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"}}
	name := types.NamespacedName{Namespace: t.Namespace, Name: naming.Volume(naming.ComponentDatabase)}
	err := r.Uncached.Get(ctx, name, &claim)
	switch {
	case apierrors.IsNotFound(err):
		return validate.DataLost(t)
	case err != nil:
		return fmt.Errorf("asking for the volume of the database: %w", err)
	}
	return nil
}
