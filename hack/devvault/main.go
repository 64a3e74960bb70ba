// Command devvault is a Vault server for development and tests: Vault's own core with the engines that crmkeep
// uses, in one small static program that needs no configuration file.
//
// It is not a production server: the root token and the only unseal key are written to a file.
//
// On its first start it initialises and unseals itself. On a later start with the same -file folder it is sealed,
// as any Vault is, unless -auto-unseal is given. When it listens it prints "ready ADDRESS" to standard output.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// options are the command line.
type options struct {
	listen     string
	dir        string
	keysFile   string
	autoUnseal bool
	tlsCert    string
	tlsKey     string
	tlsDir     string
	names      []string
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		err = serve(ctx, o, func(address string) { fmt.Println("ready", address) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "devvault:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	var names string
	flags := flag.NewFlagSet("devvault", flag.ExitOnError)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8200", "`address` to listen on; port 0 means a free one")
	flags.StringVar(&o.dir, "file", "", "`folder` that keeps the data over restarts (default: in memory)")
	flags.StringVar(&o.keysFile, "keys", "", "`file` for the root token and the unseal key, as JSON (required)")
	flags.BoolVar(&o.autoUnseal, "auto-unseal", false, "unseal on start with the key in the -keys file")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "`file` with the server's certificate chain")
	flags.StringVar(&o.tlsKey, "tls-key", "", "`file` with the server's private key")
	flags.StringVar(&o.tlsDir, "tls-dir", "", "`folder` for a CA made here (ca.crt, ca.key); the server's certificate is issued by it on each start")
	flags.StringVar(&names, "dns", "localhost,127.0.0.1", "comma-separated `names` and addresses in the certificate that -tls-dir makes")
	_ = flags.Parse(args) // ExitOnError
	o.names = strings.Split(names, ",")

	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.keysFile == "":
		return o, fmt.Errorf("-keys is required")
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return o, fmt.Errorf("-tls-cert and -tls-key belong together")
	case o.tlsCert != "" && o.tlsDir != "":
		return o, fmt.Errorf("-tls-dir makes a certificate, -tls-cert names one: give one of them")
	}
	return o, nil
}
