package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/terminal"
)

// maxCertificate is the largest file that is read, in bytes: a review of ten thousand people has some three million.
const maxCertificate = 32 << 20

func newStatementCommand() *cobra.Command {
	var trusted source
	cmd := &cobra.Command{
		Use:   "statement FILE",
		Short: "Verify a certificate of destruction, the result of a drill or a review by the environment's public key, and print it",
		Long: "Verify a certificate of destruction, the result of a drill or a review by the environment's public key, and print what it says.\n" +
			"FILE is the field certificate.json or certificate.json.gz of its ConfigMap; - stands for standard input. With --public-key nothing else\n" +
			"is needed, not even a network. With --vault-key the key is read from the Vault that VAULT_ADDR, VAULT_CACERT and VAULT_TOKEN name.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			certificate, err := read(args[0], cmd.InOrStdin(), maxCertificate)
			if err != nil {
				return err
			}
			return verifyStatement(cmd.Context(), cmd.OutOrStdout(), certificate, trusted)
		},
	}
	trusted.addFlags(cmd)
	return cmd
}

func verifyStatement(ctx context.Context, out io.Writer, certificate []byte, from source) error {
	trusted, err := from.keys(ctx)
	if err != nil {
		return err
	}
	if certificate, err = evidence.Unpack(certificate); err != nil {
		return err
	}
	text, err := evidence.Read(certificate, trusted...)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(text), "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "verified: the signature fits the public key\n%s\n", terminal.Text(indented.String()))
	return err
}
