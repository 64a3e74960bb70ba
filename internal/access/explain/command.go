package explain

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// NewCommand makes `crmkeep explain`.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "explain", Short: "Explain what declarations come to"}
	cmd.AddCommand(newAccessCommand())
	return cmd
}

func newAccessCommand() *cobra.Command {
	var o options
	var user, object, field string
	cmd := &cobra.Command{
		Use:   "access --user LOGIN --object OBJECT [--field FIELD] (-f FILE... | --environment NAMESPACE/NAME)",
		Short: "Explain what a person may do with an object, by which role and from which policy",
		Long:  "Explain what a person may do with an object of the class's catalogue, by which role and from which policy.\n" + sources,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := o.environmentOf(cmd.Context(), cmd.InOrStdin())
			if err != nil {
				return err
			}
			a, err := OfUser(e, user, object, field)
			if err != nil {
				return err
			}
			return o.show(cmd.OutOrStdout(), &a, a.print)
		},
	}
	o.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&user, "user", "", "login of the person, as bindings name it")
	f.StringVar(&object, "object", "", `object of the catalogue, such as "contact"`)
	f.StringVar(&field, "field", "", "field of the object; default: all that the catalogue names")
	for _, name := range []string{"user", "object"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err)
		}
	}
	return cmd
}

// NewWhoCanCommand makes `crmkeep who-can`.
func NewWhoCanCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "who-can VERB OBJECT (-f FILE... | --environment NAMESPACE/NAME)",
		Short: "List who may do something with an object, by which role and from which policy",
		Long: "List who may do something with an object of the class's catalogue, by which role and from which policy.\n" +
			"VERB is read, create, update, delete, export or import.\n" + sources,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := o.environmentOf(cmd.Context(), cmd.InOrStdin())
			if err != nil {
				return err
			}
			h, err := WhoCan(e, v1alpha1.Verb(args[0]), args[1])
			if err != nil {
				return err
			}
			return o.show(cmd.OutOrStdout(), &h, h.print)
		},
	}
	o.addFlags(cmd)
	return cmd
}

const sources = "With -f it needs no cluster: the files have the CRMEnvironment, its CRMClass and the CRMRolePolicies. Otherwise these are read from the\n" +
	"cluster of the kubeconfig, with your own rights. It tells what is declared and, from the cluster, how far the CRM enforces that now."

// options that both commands have.
type options struct {
	files       []string
	environment string
	at          string
	output      string
}

func (o *options) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "filename", "f", nil, "file with declarations; - for standard input; may be repeated")
	f.StringVar(&o.environment, "environment", "", "the CRMEnvironment, as NAMESPACE/NAME; in files, NAME is enough, and none if there is only one")
	f.StringVar(&o.at, "at", "", "time to ask about, in RFC 3339, for what has expired by then; default: now")
	f.StringVarP(&o.output, "output", "o", "table", "table or json")
	cmd.MarkFlagsOneRequired("filename", "environment")
}

func (o *options) environmentOf(ctx context.Context, stdin io.Reader) (*Environment, error) {
	if o.output != "table" && o.output != "json" {
		return nil, fmt.Errorf("--output: %q is unknown; use table or json", o.output)
	}
	at := time.Now()
	if o.at != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, o.at); err != nil {
			return nil, fmt.Errorf("--at: %q is no time in RFC 3339; write it like 2027-01-31T00:00:00Z", o.at)
		}
	}
	var d *declared
	var err error
	if len(o.files) > 0 {
		d, err = fromFiles(o.files, stdin, o.environment)
	} else {
		d, err = fromCluster(ctx, o.environment)
	}
	if err != nil {
		return nil, err
	}
	return d.compile(at)
}

func (o *options) show(out io.Writer, value any, table func(io.Writer) error) error {
	if o.output == "json" {
		return printJSON(out, value)
	}
	return table(out)
}
