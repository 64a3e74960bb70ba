// Package preview is the subcommand that prints, without a cluster or Vault, everything that a declaration would bring about.
package preview

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/declaration"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/tenancy"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/validate"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// NewCommand makes the command.
func NewCommand() *cobra.Command {
	var files []string
	var settingsFile string
	var httpRoutes bool
	cmd := &cobra.Command{
		Use:   "plan -f FILE...",
		Short: "Print every object and every path in Vault that the CRMTenants and CRMEnvironments in files would bring about",
		Long: "Print every object and every path in Vault that the CRMTenants and CRMEnvironments in the files would bring about.\n" +
			"It needs neither a cluster nor Vault; the CRMClasses and CRMTenants that environments refer to must be in the files.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := Example()
			if settingsFile != "" {
				var err error
				if s, err = settings.Load(settingsFile); err != nil {
					return err
				}
			}
			d, err := read(files, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return d.Print(cmd.OutOrStdout(), Options{Settings: s, HTTPRoutes: httpRoutes})
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&files, "filename", "f", nil, "file with declarations; - for standard input; may be repeated")
	f.StringVar(&settingsFile, "settings", "", "the installation's settings; default: an example's")
	f.BoolVar(&httpRoutes, "http-routes", false, "the cluster has the Gateway API")
	if err := cmd.MarkFlagRequired("filename"); err != nil {
		panic(err)
	}
	return cmd
}

// Example settings, for a plan that is only looked at.
func Example() settings.Settings {
	return settings.Settings{
		Vault:  settings.Vault{Address: "https://vault.vault.svc:8200"},
		Images: settings.Images{Crmkeep: "crmkeep.local/crmkeep:dev", Postgres: "crmkeep.local/postgres:15"},
		Network: settings.Network{
			DNS:     settings.Peer{Namespace: "kube-system", PodLabels: map[string]string{"k8s-app": "kube-dns"}},
			Vault:   settings.Peer{Namespace: "vault"},
			Ingress: &settings.Peer{Namespace: "ingress"},
		},
	}.WithDefaults()
}

// Declarations are what files hold.
type Declarations struct {
	tenants      []*v1alpha1.CRMTenant
	classes      map[string]*v1alpha1.CRMClass
	environments []*v1alpha1.CRMEnvironment
	// policies by namespace.
	policies map[string][]*v1alpha1.CRMRolePolicy
}

func read(files []string, stdin io.Reader) (*Declarations, error) {
	d := newDeclarations()
	return d, declaration.Files(files, stdin, d.addOne)
}

func newDeclarations() *Declarations {
	return &Declarations{classes: make(map[string]*v1alpha1.CRMClass), policies: make(map[string][]*v1alpha1.CRMRolePolicy)}
}

// Parse reads YAML documents.
func Parse(documents []byte) (*Declarations, error) {
	d := newDeclarations()
	return d, d.Add(documents)
}

// Add reads more YAML documents. Kinds that have no plan are passed over.
func (d *Declarations) Add(documents []byte) error { return declaration.Documents(documents, d.addOne) }

func (d *Declarations) addOne(kind string, document []byte) error {
	switch kind {
	case "CRMTenant":
		t := &v1alpha1.CRMTenant{}
		d.tenants = append(d.tenants, t)
		return sigsyaml.UnmarshalStrict(document, t)
	case "CRMClass":
		c := &v1alpha1.CRMClass{}
		err := sigsyaml.UnmarshalStrict(document, c)
		d.classes[c.Name] = c
		return err
	case "CRMEnvironment":
		e := &v1alpha1.CRMEnvironment{}
		d.environments = append(d.environments, e)
		return sigsyaml.UnmarshalStrict(document, e)
	case "CRMRolePolicy":
		p := &v1alpha1.CRMRolePolicy{}
		err := sigsyaml.UnmarshalStrict(document, p)
		d.policies[p.Namespace] = append(d.policies[p.Namespace], p)
		return err
	}
	return nil
}

// Options of a plan that is printed.
type Options struct {
	Settings settings.Settings
	// HTTPRoutes tells whether the cluster has the Gateway API.
	HTTPRoutes bool
	// Seen is the moment to plan for, as far as the workload goes. Default: when all has come about.
	Seen *facts.Environment
}

// Print writes the plan of all that was read.
func (d *Declarations) Print(out io.Writer, o Options) error {
	for _, t := range d.tenants {
		if err := printObjects(out, tenancy.Home(t)); err != nil {
			return err
		}
	}
	for _, env := range d.environments {
		if err := d.printEnvironment(out, o, env); err != nil {
			return fmt.Errorf("CRMEnvironment %s/%s: %w", env.Namespace, env.Name, err)
		}
	}
	return nil
}

func (d *Declarations) printEnvironment(out io.Writer, o Options, env *v1alpha1.CRMEnvironment) error {
	f, planFor := facts.Environment{RecordedSource: broughtAbout(env)}, plan.Complete
	if o.Seen != nil {
		f, planFor = *o.Seen, plan.ForEnvironment
	}
	f.HTTPRoutes, f.Class = o.HTTPRoutes, d.classes[env.Spec.ClassRef.Name]
	tenant, _ := naming.TenantOfHome(env.Namespace)
	for _, t := range d.tenants {
		if t.Name == tenant {
			f.Tenant = t
		}
	}
	f.Governed = access.Governed(env, f.Class, d.policies[env.Namespace])
	t, err := validate.Environment(o.Settings, env, &f)
	if err != nil {
		return err
	}
	planned, err := planFor(&t, &f)
	if err != nil {
		return err
	}
	if err := printObjects(out, planned.Objects()); err != nil {
		return err
	}
	return printVault(out, t.Vault, planned.Vault)
}

// broughtAbout is what an environment with a source was filled with when all has come about; which backup that is, no file tells.
func broughtAbout(env *v1alpha1.CRMEnvironment) *v1alpha1.EnvironmentSourceStatus {
	switch source := env.Spec.Source; {
	case source == nil:
		return nil
	case source.BackupRef != nil:
		return &v1alpha1.EnvironmentSourceStatus{Backup: source.BackupRef.Name, Version: env.Spec.Version}
	default:
		return &v1alpha1.EnvironmentSourceStatus{Backup: "newest-of-" + source.EnvironmentRef.Name, Version: env.Spec.Version}
	}
}

func printObjects(out io.Writer, objects []object.Object) error {
	for _, o := range objects {
		text, err := sigsyaml.Marshal(o.Configuration)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}

// printVault prints as comments: paths in Vault are no objects, and the output stays something that kubectl can diff.
func printVault(out io.Writer, s layout.Settings, planned layout.Layout) error {
	var b bytes.Buffer
	b.WriteString("---\n")
	for _, entry := range s.Paths(planned) {
		text, err := sigsyaml.Marshal(entry.Value)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "# Vault: %s\n", entry.Path)
		for line := range bytes.Lines(text) {
			fmt.Fprintf(&b, "#   %s", line)
		}
	}
	_, err := out.Write(b.Bytes())
	return err
}
