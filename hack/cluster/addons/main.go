// Command addons holds the two node services that no module or package offers in a usable form: a NetworkPolicy
// enforcer and a directory-backed volume provisioner.
//
//	addons netpol  --kubeconfig FILE --node NAME --pod-cidr CIDR
//	addons storage --kubeconfig FILE --node NAME --dir DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/crmkeep/crmkeep/hack/cluster/addons/netpol"
	"github.com/crmkeep/crmkeep/hack/cluster/addons/storage"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: addons netpol|storage [flags]")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the service's own identity")
	node := flags.String("node", "", "name of this node")
	podCIDR := flags.String("pod-cidr", "", "addresses that pods get (netpol)")
	dir := flags.String("dir", "", "folder in which volumes are made (storage)")
	_ = flags.Parse(args[1:]) // ExitOnError

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 50, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	switch args[0] {
	case "netpol":
		return netpol.Run(ctx, client, *node, *podCIDR)
	case "storage":
		return storage.Run(ctx, client, *node, *dir)
	}
	return fmt.Errorf("unknown service %q", args[0])
}
