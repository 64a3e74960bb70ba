package invite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/hashicorp/vault/api"
	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/vault"
)

func newOpenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "open",
		Short: "Open an invitation, once",
		Long: "Open an invitation that somebody has handed on, and print what is needed to log in. It asks for the token, or reads it from standard input;\n" +
			"VAULT_ADDR and VAULT_CACERT say which Vault. Afterwards the token is worth nothing.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token, err := askForToken(cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return open(cmd.Context(), cmd.OutOrStdout(), token)
		},
	}
}

// askForToken reads one line. That a terminal shows it does no harm: it is used up a moment later.
func askForToken(in io.Reader, prompt io.Writer) (string, error) {
	_, _ = fmt.Fprint(prompt, "Token: ")
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New("no token: give the one that you were handed, by standard input")
	}
	return line, nil
}

// errNotOpened is what becomes of whoever comes second.
var errNotOpened = errors.New("Vault does not know the token any more: it is too old, or somebody has opened it before you; " + //nolint:staticcheck // a name
	"say so at once to whoever gave it to you, for then somebody else knows your password")

func open(ctx context.Context, out io.Writer, token string) error {
	client, err := vault.ConnectAsPerson()
	if err != nil {
		return err
	}
	// Only the token that was handed on opens it, whatever else the person may do in Vault.
	client.ClearToken()
	if err := verify(ctx, client, token); err != nil {
		return err
	}
	secret, err := client.Logical().UnwrapWithContext(ctx, token)
	if err != nil {
		return spent(err)
	}
	if secret == nil {
		return errNotOpened
	}
	content, _ := secret.Data["data"].(map[string]any)
	return show(out, content)
}

// verify asks Vault what the token was made of, before it is used up: a token of something else is one that somebody has put in its place.
func verify(ctx context.Context, client *api.Client, token string) error {
	answer, err := client.Logical().WriteWithContext(ctx, "sys/wrapping/lookup", map[string]any{"token": token})
	if err != nil {
		return spent(err)
	}
	if answer == nil {
		return errNotOpened
	}
	if path, _ := answer.Data["creation_path"].(string); !strings.Contains(path, "/data/") || !strings.Contains(path, "/invitations/") {
		return fmt.Errorf("the token holds no invitation of crmkeep's, but what was read at %q: do not trust it, and say so to whoever gave it to you", path)
	}
	return nil
}

// spent tells a token that Vault does not know from every other failure.
func spent(err error) error {
	var refusal *api.ResponseError
	if errors.As(err, &refusal) && (refusal.StatusCode == http.StatusBadRequest || refusal.StatusCode == http.StatusForbidden) {
		return errNotOpened
	}
	return err
}

// show prints an invitation. Whoever wrote it into Vault may have meant it for the terminal.
func show(out io.Writer, content map[string]any) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, field := range []string{"environment", "url", "login", "password"} {
		value, _ := content[field].(string)
		if value == "" || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Errorf("the invitation is open, and its %s is missing or cannot be shown: have crmkeep make another", field)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\n", field, value)
	}
	_, _ = fmt.Fprintln(table, "\nChange the password when you have logged in.")
	return table.Flush()
}
