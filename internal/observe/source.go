package observe

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// source reads what an environment can be filled with, for as long as it is not.
func (o *Observer) source(ctx context.Context, env *v1alpha1.CRMEnvironment, f *facts.Environment) (*facts.Source, error) {
	if !target.Unfilled(env) || f.RecordedVersion != "" || f.RecordedSource != nil {
		return nil, nil
	}
	s := &facts.Source{}
	var err error
	restore := client.ObjectKey{Namespace: env.Namespace, Name: naming.SourceRestore(env.Name)}
	if s.Restore, err = get(ctx, o.Reader, restore, &v1alpha1.CRMRestore{}); err != nil {
		return nil, err
	}
	if s.Backups, err = o.Backups(ctx, env.Namespace); err != nil {
		return nil, err
	}
	s.Environments, err = o.Environments(ctx, env.Namespace)
	return s, err
}

// Environments of a tenant's home, all of them.
func (o *Observer) Environments(ctx context.Context, home string) ([]v1alpha1.CRMEnvironment, error) {
	var list v1alpha1.CRMEnvironmentList
	if err := o.Reader.List(ctx, &list, client.InNamespace(home)); err != nil {
		return nil, fmt.Errorf("listing the tenant's environments: %w", err)
	}
	return list.Items, nil
}
