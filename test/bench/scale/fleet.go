package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// perTenant is how many environments a tenant has.
const perTenant = 10

const classFile = "config/classes/tryton.yaml"

// fleet is a number of environments and what they come to.
type fleet struct {
	tenants      []*v1alpha1.CRMTenant
	environments []*v1alpha1.CRMEnvironment
	planned      []planned
}

// planned are the objects of one environment in two stages: what crmkeep makes of a new one, and what it adds when the database is
// up and migrated. The namespace is the first of all.
type planned struct {
	namespace    string
	first, later []*unstructured.Unstructured
}

func (p planned) all() []*unstructured.Unstructured {
	return append(append([]*unstructured.Unstructured{}, p.first...), p.later...)
}

// newFleet declares n environments of class tryton of tenants whose names begin with prefix.
func newFleet(s settings.Settings, prefix string, n int) (*fleet, error) {
	class, err := readClass()
	if err != nil {
		return nil, err
	}
	f := &fleet{}
	for i := range n {
		if i%perTenant == 0 {
			f.tenants = append(f.tenants, newTenant(fmt.Sprintf("%s-%d", prefix, i/perTenant)))
		}
		tenant := f.tenants[i/perTenant]
		env := newEnvironment(tenant.Name, fmt.Sprintf("env-%d", i%perTenant))
		p, err := planOf(s, tenant, class, env)
		if err != nil {
			return nil, err
		}
		f.environments, f.planned = append(f.environments, env), append(f.planned, p)
	}
	return f, nil
}

func readClass() (*v1alpha1.CRMClass, error) {
	content, err := os.ReadFile(classFile)
	if err != nil {
		return nil, err
	}
	class := &v1alpha1.CRMClass{}
	return class, yaml.UnmarshalStrict(content, class)
}

func newTenant(name string) *v1alpha1.CRMTenant {
	return &v1alpha1.CRMTenant{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.CRMTenantSpec{
			DisplayName:        name,
			Owner:              v1alpha1.Person{Name: "Wei Zhang", Email: "wei.zhang@acme.example"},
			Admins:             []v1alpha1.Subject{{Kind: "Group", Name: name + "-crm-admins"}},
			DataClassification: v1alpha1.ClassificationConfidential,
			Region:             "cn-east-1",
		},
	}
}

func newEnvironment(tenant, name string) *v1alpha1.CRMEnvironment {
	return &v1alpha1.CRMEnvironment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: naming.HomeNamespace(tenant)},
		Spec: v1alpha1.CRMEnvironmentSpec{
			ClassRef:       v1alpha1.ClassReference{Name: "tryton"},
			Purpose:        v1alpha1.PurposeTest,
			Hostname:       name + "." + tenant + ".example",
			DeletionPolicy: v1alpha1.DeletionShred,
		},
	}
}

func planOf(s settings.Settings, tenant *v1alpha1.CRMTenant, class *v1alpha1.CRMClass, env *v1alpha1.CRMEnvironment) (planned, error) {
	seen := &facts.Environment{Tenant: tenant, Class: class}
	t, err := validate.Environment(s, env, seen)
	if err != nil {
		return planned{}, err
	}
	begun, err := plan.ForEnvironment(&t, seen)
	if err != nil {
		return planned{}, err
	}
	complete, err := plan.Complete(&t, seen)
	if err != nil {
		return planned{}, err
	}
	return stages(t.Namespace, begun.Objects(), complete.Objects())
}

func stages(namespace string, begun, complete []object.Object) (planned, error) {
	p := planned{namespace: namespace}
	early := make(map[string]bool)
	for _, o := range begun {
		u, err := content(o)
		if err != nil {
			return p, err
		}
		early[u.GetKind()+"/"+u.GetName()] = true
	}
	for _, o := range complete {
		u, err := content(o)
		if err != nil {
			return p, err
		}
		if early[u.GetKind()+"/"+u.GetName()] {
			p.first = append(p.first, u)
		} else {
			p.later = append(p.later, u)
		}
	}
	return p, nil
}

func content(o object.Object) (*unstructured.Unstructured, error) {
	encoded, err := json.Marshal(o.Configuration)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	return u, json.Unmarshal(encoded, &u.Object)
}

func (p planned) begun() []*unstructured.Unstructured { return p.first }

// lasting are those that stay: a migration that has succeeded is taken away.
func (p planned) lasting() []*unstructured.Unstructured {
	return slices.DeleteFunc(p.all(), func(o *unstructured.Unstructured) bool { return o.GetKind() == "Job" })
}
