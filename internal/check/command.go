// Package check proves from outside that an application answers: what `crmkeep check` does in the environment of a drill.
package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/health"
)

// timeout of a request with its answer. A drill's application is cold.
const timeout = 30 * time.Second

// NewCommand makes `crmkeep check`.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "check", Short: "Check that what a drill has restored works (a Job)"}
	cmd.AddCommand(newHTTPCommand())
	return cmd
}

// request is what is asked, and who vouches for the server.
type request struct {
	server, caFile, contentType string
	probe                       config.HTTPProbe
}

func newHTTPCommand() *cobra.Command {
	var r request
	cmd := &cobra.Command{
		Use:   "http --server HOST[:PORT] [--path PATH]",
		Short: "Make one HTTPS request and judge the answer",
		Long: "Make one HTTPS request and judge the answer by its status and the first 64 KiB of its body, within 30 seconds.\n" +
			"A redirect is an answer. The exit status is 0 when the answer is good. Nothing of the answer's body is printed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.send(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&r.server, "server", "", "host of the application, as its certificate names it, and its port unless that is 443")
	flags.StringVar(&r.probe.Path, "path", "/", "path of the request, with its query")
	flags.StringVar(&r.probe.Method, "method", "GET", "method of the request")
	flags.StringVar(&r.contentType, "content-type", "", "content type of the body")
	flags.StringVar(&r.probe.Body, "body", "", "body of the request")
	flags.Int32Var(&r.probe.Status, "status", 0, "status that counts as good; 0 for any from 200 to 399")
	flags.StringVar(&r.probe.BodyContains, "contains", "", "text that must occur in the answer")
	flags.StringVar(&r.caFile, "ca-file", filepath.Join(config.FilesDir, config.CAFile), "CA certificates that the server's must chain to, PEM")
	return cmd
}

func (r request) send(ctx context.Context) error {
	if r.server == "" {
		return errors.New("--server: name the host to ask")
	}
	if r.probe.Path == "" || r.probe.Path[0] != '/' {
		return fmt.Errorf("--path %q: begin it with a slash", r.probe.Path)
	}
	pem, err := os.ReadFile(r.caFile)
	if err != nil {
		return fmt.Errorf("--ca-file: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return fmt.Errorf("--ca-file %s: holds no certificate in PEM", r.caFile)
	}
	if r.contentType != "" {
		r.probe.Header = []config.Header{{Name: "Content-Type", Value: r.contentType}}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return health.HTTPS(r.server, &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}, r.probe)(ctx)
}
