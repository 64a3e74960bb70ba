package bootstrap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// flags as given on the command line. Secrets come from files or the environment only: arguments are visible to everybody.
type flags struct {
	address, caFile, tokenFile          string
	kubernetesCAFile, reviewerTokenFile string
	csrFile, certificateFile            string
	printPolicy                         bool
	// caBundle is the content of caFile.
	caBundle string
	options  Options
}

// NewCommand is "crmkeep vault bootstrap".
func NewCommand() *cobra.Command {
	f := &flags{options: Options{Settings: layout.Default()}}
	command := &cobra.Command{
		Use:   "bootstrap",
		Short: "Prepare a Vault for crmkeep",
		Long: "Prepare a Vault for crmkeep, with an administrator's token from --token-file or VAULT_TOKEN: engines, CA, auth method,\n" +
			"policies and the operator's role. It can be run again at any time and changes only what is not as it should be.",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE:         func(command *cobra.Command, _ []string) error { return f.run(command) },
	}
	f.register(command)
	return command
}

func (f *flags) register(command *cobra.Command) {
	settings, kubernetes, ca := &f.options.Settings, &f.options.Kubernetes, &f.options.CA
	set := command.Flags()
	set.StringVar(&f.address, "address", os.Getenv("VAULT_ADDR"), "URL of Vault (default: VAULT_ADDR)")
	set.StringVar(&f.caFile, "ca-file", "", "CA certificates of Vault's own certificate (default: the system's)")
	set.StringVar(&f.tokenFile, "token-file", "", "file with the administrator's token (default: VAULT_TOKEN)")
	set.StringVar(&settings.Prefix, "prefix", settings.Prefix, "prefix of all mounts, policies and roles; one for each cluster")
	set.StringVar(&settings.AuthMount, "auth-mount", settings.AuthMount, "mount of the Kubernetes auth method for this cluster")
	set.StringVar(&settings.Audience, "audience", settings.Audience, "audience of the ServiceAccount tokens that may log in")
	set.StringVar(&kubernetes.Host, "kubernetes-host", "", "URL of the API server as Vault reaches it (default: leave the auth method's configuration as it is)")
	set.StringVar(&f.kubernetesCAFile, "kubernetes-ca-file", "", "CA certificate of the API server (default: that of Vault's own pod)")
	set.StringVar(&f.reviewerTokenFile, "token-reviewer-file", "", "ServiceAccount token with which Vault reviews tokens (default: that of Vault's own pod)")
	set.StringVar(&kubernetes.Namespace, "operator-namespace", "crmkeep-system", "namespace of the operator")
	set.StringVar(&kubernetes.ServiceAccount, "operator-service-account", "crmkeep", "ServiceAccount of the operator")
	set.StringVar(&ca.RootCommonName, "root-common-name", "crmkeep root CA", "common name of the root CA that is made")
	set.DurationVar(&ca.RootTTL, "root-ttl", 10*365*24*time.Hour, "lifetime of the root CA that is made")
	set.DurationVar(&ca.IntermediateTTL, "intermediate-ttl", 5*365*24*time.Hour, "lifetime of the intermediate CA")
	set.StringVar(&f.csrFile, "csr-file", "", "have your own root sign: write the intermediate's certificate request to this file, and make no root")
	set.StringVar(&f.certificateFile, "certificate-file", "", "have your own root sign: the signed intermediate and its chain")
	set.BoolVar(&f.printPolicy, "print-policy", false, "print the policies and do nothing; Vault's accessor of the auth method is left open")
	command.MarkFlagsMutuallyExclusive("csr-file", "certificate-file")
}

func (f *flags) run(command *cobra.Command) error {
	out := command.OutOrStdout()
	if f.printPolicy {
		return printPolicies(out, f.options.Settings)
	}
	token, err := f.token()
	if err != nil {
		return err
	}
	if err := f.readFiles(); err != nil {
		return err
	}
	client, err := vault.Connect(f.address, f.caBundle, vault.DefaultTimeout)
	if err != nil {
		return err
	}
	client.SetToken(token)
	f.options.Report = func(thing string, changed bool) {
		verdict := "unchanged"
		if changed {
			verdict = "set up"
		}
		_, _ = fmt.Fprintf(out, "%-10s %s\n", verdict, thing)
	}
	return Run(command.Context(), client, f.options)
}

func printPolicies(out io.Writer, settings layout.Settings) error {
	if err := settings.Validate(); err != nil {
		return err
	}
	policies, err := Policies(settings, "ACCESSOR")
	if err != nil {
		return err
	}
	for _, policy := range policies {
		if _, err := fmt.Fprintf(out, "# --- policy %s\n%s\n", policy.Name, policy.Rules); err != nil {
			return err
		}
	}
	return nil
}

func (f *flags) token() (string, error) {
	if f.tokenFile == "" {
		if token := os.Getenv("VAULT_TOKEN"); token != "" {
			return token, nil
		}
		return "", errors.New("no token: give --token-file or set VAULT_TOKEN")
	}
	return readText(f.tokenFile)
}

// readFiles loads what the flags name into the options.
func (f *flags) readFiles() error {
	for file, target := range map[*string]*string{
		&f.caFile:            &f.caBundle,
		&f.kubernetesCAFile:  &f.options.Kubernetes.CACert,
		&f.reviewerTokenFile: &f.options.Kubernetes.ReviewerToken,
		&f.certificateFile:   &f.options.CA.Certificate,
	} {
		if *file == "" {
			continue
		}
		content, err := readText(*file)
		if err != nil {
			return err
		}
		*target = content
	}
	if f.csrFile != "" {
		f.options.CA.CSR = func(pem string) error { return os.WriteFile(f.csrFile, []byte(pem), 0o600) }
	}
	return nil
}

func readText(file string) (string, error) {
	content, err := os.ReadFile(file) //nolint:gosec // the path is the administrator's flag
	return strings.TrimSpace(string(content)), err
}
