package observe

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
)

// policies of a namespace. They are the cache's own.
func (o *Observer) policies(ctx context.Context, namespace string) ([]*v1alpha1.CRMRolePolicy, error) {
	var list v1alpha1.CRMRolePolicyList
	if err := o.Reader.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the tenant's role policies: %w", err)
	}
	var all []*v1alpha1.CRMRolePolicy
	for i := range list.Items {
		all = append(all, &list.Items[i])
	}
	return all, nil
}

// RolePolicy reads what the status of a policy follows from.
func (o *Observer) RolePolicy(ctx context.Context, p *v1alpha1.CRMRolePolicy) (*facts.RolePolicy, error) {
	f := &facts.RolePolicy{}
	var err error
	if f.Policies, err = o.policies(ctx, p.Namespace); err != nil {
		return nil, err
	}
	for _, name := range p.Spec.Environments {
		in := facts.PolicyEnvironment{Name: name}
		if in.Environment, err = get(ctx, o.Reader, client.ObjectKey{Namespace: p.Namespace, Name: name}, &v1alpha1.CRMEnvironment{}); err != nil {
			return nil, err
		}
		if in.Environment != nil {
			class := client.ObjectKey{Name: in.Environment.Spec.ClassRef.Name}
			if in.Class, err = get(ctx, o.Reader, class, &v1alpha1.CRMClass{}); err != nil {
				return nil, err
			}
		}
		f.Environments = append(f.Environments, in)
	}
	return f, nil
}
