package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/evidence"
)

func newStatementCommand() *cobra.Command {
	var trusted source
	cmd := &cobra.Command{
		Use:   "statement FILE",
		Short: "Verify a certificate of destruction or the result of a drill by the environment's public key, and print it",
		Long: "Verify a certificate of destruction or the result of a drill by the environment's public key, and print what it says.\n" +
			"FILE is the field certificate.json of its ConfigMap; - stands for standard input. With --public-key nothing else is needed, not even\n" +
			"a network. With --vault-key the key is read from the Vault that VAULT_ADDR, VAULT_CACERT and VAULT_TOKEN name.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			certificate, err := read(args[0], cmd.InOrStdin())
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
	text, err := evidence.Read(certificate, trusted...)
	if err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(text), "", "  "); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "verified: the signature fits the public key\n%s\n", harmless(indented.String()))
	return err
}

// harmless writes as escapes whatever a terminal might take for more than text.
func harmless(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\U%08x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}
