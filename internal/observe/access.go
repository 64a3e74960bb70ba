package observe

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
)

// Access reads what the decision about an environment's role policies needs.
func (o *Observer) Access(ctx context.Context, env *v1alpha1.CRMEnvironment) (*facts.Access, error) {
	f := &facts.Access{}
	var err error
	if f.Policies, err = o.policies(ctx, env.Namespace); err != nil {
		return nil, err
	}
	if f.Class, err = get(ctx, o.Reader, client.ObjectKey{Name: env.Spec.ClassRef.Name}, &v1alpha1.CRMClass{}); err != nil {
		return nil, err
	}
	if f.Restoring, err = o.restoring(ctx, env.Namespace, env.Name); err != nil {
		return nil, err
	}
	f.WebName = webName(f.Class)
	if f.WebName == "" || env.Status.Namespace == "" {
		return f, nil
	}
	web, err := get(ctx, o.Reader, client.ObjectKey{Namespace: env.Status.Namespace, Name: f.WebName}, &appsv1.Deployment{})
	if err == nil && web != nil {
		f.Web = deployment(web)
	}
	return f, err
}

func webName(class *v1alpha1.CRMClass) string {
	if class == nil {
		return ""
	}
	for i := range class.Spec.Components {
		if class.Spec.Components[i].Type == v1alpha1.ComponentWeb {
			return class.Spec.Components[i].Name
		}
	}
	return ""
}
