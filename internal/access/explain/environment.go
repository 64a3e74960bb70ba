package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/declaration"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// Environment whose policies are asked.
type Environment struct {
	// Name is "<namespace>/<name>".
	Name string
	// Program that its policies come to.
	Program *compile.Program
	// Enforcement tells how far the CRM enforces roles, by their names in the program.
	Enforcement func(roles []string) Enforcement
}

// declared is what rights in an environment follow from.
type declared struct {
	environment *v1alpha1.CRMEnvironment
	class       *v1alpha1.CRMClass
	policies    []*v1alpha1.CRMRolePolicy
	// seen tells whether all of it is as the cluster has it, with what has become of it.
	seen bool
}

// compile refuses what the operator would refuse, in the same words.
func (d *declared) compile(now time.Time) (*Environment, error) {
	if err := validate.Class(d.class); err != nil {
		return nil, fmt.Errorf("CRMClass %s: %w", d.class.Name, err)
	}
	in := compile.Input{Environment: d.environment.Name, Class: d.class, Policies: d.policies, Now: now}
	for _, p := range d.policies {
		if !access.In(p, d.environment.Name) {
			continue
		}
		if err := validate.RolePolicy(p, &in); err != nil {
			return nil, fmt.Errorf("CRMRolePolicy %s/%s: %w", p.Namespace, p.Name, err)
		}
	}
	return &Environment{
		Name: d.environment.Namespace + "/" + d.environment.Name, Program: compile.Compile(in), Enforcement: d.enforcement,
	}, nil
}

// files is everything that files declare.
type files struct {
	environments []*v1alpha1.CRMEnvironment
	classes      []*v1alpha1.CRMClass
	policies     []*v1alpha1.CRMRolePolicy
}

func (f *files) add(kind string, document []byte) error {
	switch kind {
	case "CRMEnvironment":
		return decode(&f.environments, document)
	case "CRMClass":
		return decode(&f.classes, document)
	case "CRMRolePolicy":
		return decode(&f.policies, document)
	}
	return nil
}

func decode[T any](all *[]*T, document []byte) error {
	o := new(T)
	*all = append(*all, o)
	return yaml.UnmarshalStrict(document, o)
}

// fromFiles needs no cluster.
func fromFiles(names []string, stdin io.Reader, environment string) (*declared, error) {
	f := &files{}
	if err := declaration.Files(names, stdin, f.add); err != nil {
		return nil, err
	}
	env, err := f.environment(environment)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(f.classes, func(c *v1alpha1.CRMClass) bool { return c.Name == env.Spec.ClassRef.Name })
	if at < 0 {
		return nil, fmt.Errorf("CRMEnvironment %s/%s: spec.classRef: CRMClass %q is not in the files; add its file with -f",
			env.Namespace, env.Name, env.Spec.ClassRef.Name)
	}
	d := &declared{environment: env, class: f.classes[at]}
	for _, p := range f.policies {
		if p.Namespace == env.Namespace {
			d.policies = append(d.policies, p)
		}
	}
	return d, nil
}

// environment finds the one that was asked for, by "<name>" or "<namespace>/<name>"; none need be named where there is only one.
func (f *files) environment(asked string) (*v1alpha1.CRMEnvironment, error) {
	var found []*v1alpha1.CRMEnvironment
	names := make([]string, len(f.environments))
	for i, e := range f.environments {
		names[i] = e.Namespace + "/" + e.Name
		if asked == "" || asked == e.Name || asked == names[i] {
			found = append(found, e)
		}
	}
	switch {
	case len(f.environments) == 0:
		return nil, errors.New("no CRMEnvironment is in the files, and it says which class holds; add its file with -f")
	case len(found) == 0:
		return nil, fmt.Errorf("--environment: %q is not in the files; they have %s", asked, strings.Join(names, ", "))
	case len(found) > 1:
		return nil, fmt.Errorf("--environment: name one of %s", strings.Join(names, ", "))
	}
	return found[0], nil
}

// fromCluster reads with the rights of the person who asks.
func fromCluster(ctx context.Context, environment string) (*declared, error) {
	namespace, name, ok := strings.Cut(environment, "/")
	if !ok {
		return nil, fmt.Errorf("--environment: %q must be NAMESPACE/NAME, such as crm-acme/prod; or name files with -f", environment)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	reader, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, err
	}
	return read(ctx, reader, types.NamespacedName{Namespace: namespace, Name: name})
}

func read(ctx context.Context, reader client.Reader, environment types.NamespacedName) (*declared, error) {
	d := &declared{environment: &v1alpha1.CRMEnvironment{}, class: &v1alpha1.CRMClass{}, seen: true}
	if err := reader.Get(ctx, environment, d.environment); err != nil {
		return nil, err
	}
	if err := reader.Get(ctx, types.NamespacedName{Name: d.environment.Spec.ClassRef.Name}, d.class); err != nil {
		return nil, err
	}
	var policies v1alpha1.CRMRolePolicyList
	if err := reader.List(ctx, &policies, client.InNamespace(environment.Namespace)); err != nil {
		return nil, err
	}
	for i := range policies.Items {
		d.policies = append(d.policies, &policies.Items[i])
	}
	return d, nil
}
