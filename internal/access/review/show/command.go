// Package show is `crmkeep review`: it asks for the signed list of who can log in to a CRM, and prints it.
package show

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crmkeep/crmkeep/internal/access/review"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/terminal"
)

// NewCommand makes `crmkeep review`.
func NewCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "review [-n NAMESPACE] --environment NAME [--ask]",
		Short: "List who can log in to a CRM, by what right, and what of it to look at",
		Long: "List who can log in to a CRM, by what right, and what of it to look at: the newest review that the operator has signed.\n" +
			"With --ask the operator looks at the CRM now; you need the right to change the CRMEnvironment. Everything is read with your own rights from the\n" +
			"cluster of the kubeconfig. The signature is checked by the key that comes with the review; `crmkeep verify statement` checks it by one that you\n" +
			"have from elsewhere.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.namespace, "namespace", "n", "", "home namespace of the tenant; default: that of the kubeconfig's context")
	f.StringVar(&o.environment, "environment", "", "name of the CRMEnvironment, or NAMESPACE/NAME")
	f.StringVarP(&o.output, "output", "o", "table", "table, csv or json")
	f.BoolVar(&o.ask, "ask", false, "have the operator look at the CRM now, and wait for it")
	f.DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long to wait with --ask")
	if err := cmd.MarkFlagRequired("environment"); err != nil {
		panic(err)
	}
	return cmd
}

type options struct {
	namespace, environment, output string
	ask                            bool
	timeout                        time.Duration
}

// printers by the name of the output.
var printers = map[string]func(io.Writer, *evidence.ReviewStatement) error{
	"table": review.Table,
	"csv":   review.CSV,
	"json":  printJSON,
}

func printJSON(out io.Writer, s *evidence.ReviewStatement) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, terminal.Text(string(text)))
	return err
}

func (o *options) run(ctx context.Context, out io.Writer) error {
	show := printers[o.output]
	switch {
	case show == nil:
		return fmt.Errorf("--output: %q is unknown; use table, csv or json", o.output)
	case o.timeout <= 0:
		return errors.New("--timeout: must be longer than no time at all")
	}
	c, namespace, err := connect()
	if err != nil {
		return err
	}
	key := types.NamespacedName{Namespace: namespace, Name: o.environment}
	if o.namespace != "" {
		key.Namespace = o.namespace
	}
	if namespace, name, ok := strings.Cut(o.environment, "/"); ok {
		if o.namespace != "" && o.namespace != namespace {
			return fmt.Errorf("--environment: %q is not in the namespace %q that --namespace names", o.environment, o.namespace)
		}
		key = types.NamespacedName{Namespace: namespace, Name: name}
	}
	if o.ask {
		if err := ask(ctx, c, key, time.Now(), o.timeout); err != nil {
			return err
		}
	}
	s, err := newest(ctx, c, key)
	if err != nil {
		return err
	}
	return show(out, s)
}
