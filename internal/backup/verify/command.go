// Package verify is `crmkeep verify`: what a person does who must know whether a backup, a drill, a destruction or a review is what it says, and
// trusts nobody's word.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/crmkeep/crmkeep/internal/backup/manifest"
)

// NewCommand makes `crmkeep verify`.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "verify", Short: "Verify what crmkeep has signed"}
	cmd.AddCommand(newManifestCommand(), newStatementCommand())
	return cmd
}

// source is where the public keys come from that are trusted.
type source struct{ publicKey, vaultKey string }

func newManifestCommand() *cobra.Command {
	var trusted source
	var digest string
	cmd := &cobra.Command{
		Use:   "manifest FILE",
		Short: "Verify a backup's manifest by the environment's public key, and print it",
		Long: "Verify a backup's manifest by the environment's public key, and print what it says.\n" +
			"FILE is as it lies in the bucket; - stands for standard input. With --public-key nothing else is needed, not even a network.\n" +
			"With --vault-key the key is read from the Vault that VAULT_ADDR, VAULT_CACERT and VAULT_TOKEN name.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			document, err := read(args[0], cmd.InOrStdin(), manifest.MaxSize)
			if err != nil {
				return err
			}
			return verify(cmd.Context(), cmd.OutOrStdout(), document, trusted, digest)
		},
	}
	trusted.addFlags(cmd)
	cmd.Flags().StringVar(&digest, "digest", "", "SHA-256 that the file must have, in hexadecimal, from the CRMBackup's status")
	return cmd
}

func (s *source) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.publicKey, "public-key", "", "file with the public key: PEM, or base64 as Vault tells it")
	flags.StringVar(&s.vaultKey, "vault-key", "", `path of the key in Vault, "crmkeep-transit/keys/<namespace>.evidence"`)
	cmd.MarkFlagsMutuallyExclusive("public-key", "vault-key")
	cmd.MarkFlagsOneRequired("public-key", "vault-key")
}

// read gives no more than a file may have, and one byte to tell that there is more.
func read(file string, stdin io.Reader, longest int64) ([]byte, error) {
	from := stdin
	if file != "-" {
		opened, err := os.Open(file) //nolint:gosec // the person names the file
		if err != nil {
			return nil, err
		}
		defer opened.Close() //nolint:errcheck // it was read
		from = opened
	}
	return io.ReadAll(io.LimitReader(from, longest+1))
}

func verify(ctx context.Context, out io.Writer, document []byte, from source, digest string) error {
	trusted, err := from.keys(ctx)
	if err != nil {
		return err
	}
	if digest != "" && manifest.Digest(document) != digest {
		return errors.New("the file has another digest: it is not the manifest that the backup has recorded")
	}
	m, err := manifest.Read(document, trusted...)
	if err != nil {
		return err
	}
	return show(out, m, manifest.Digest(document))
}

// show prints what was verified. Names are quoted: whoever made them may have meant them for the terminal.
func show(out io.Writer, m manifest.Manifest, digest string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(table, format+"\n", args...) }
	line("verified\tthe signature fits the public key")
	line("digest\t%s", digest)
	line("backup\t%s", m.ID)
	line("environment\t%q of tenant %q", m.Environment, m.Tenant)
	line("product\t%q version %q", m.Class, m.Version)
	line("made\t%s to %s", m.StartedAt, m.EndedAt)
	line("key\t%q", m.Key)
	var rows int64
	for _, t := range m.Database.Tables {
		rows += t.Rows
	}
	line("database\t%q, %d tables, %d rows, %d bytes", m.Database.Name, len(m.Database.Tables), rows, m.Database.Bytes)
	for _, v := range m.Volumes {
		line("volume\t%q, %d files, %d bytes", v.Name, v.Files, v.Bytes)
	}
	for _, l := range m.Locations {
		line("location\t%q, %q: %v", l.Name, l.Repository, l.Snapshots())
	}
	return table.Flush()
}
