// Package netpol enforces NetworkPolicies on one node with nftables. It is made for a cluster of one node, IPv4 and
// some hundreds of pods.
package netpol

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// enforcer loads one nftables table, whole and in one transaction, whenever a pod, namespace or policy changes.
type enforcer struct {
	node, podCIDR string
	pods          corelisters.PodLister
	namespaces    corelisters.NamespaceLister
	policies      networkinglisters.NetworkPolicyLister
	loaded        string
}

// Run enforces the policies of the pods on node, whose addresses are in podCIDR, until ctx ends.
func Run(ctx context.Context, client kubernetes.Interface, node, podCIDR string) error {
	if _, err := netip.ParsePrefix(podCIDR); err != nil {
		return fmt.Errorf("pod CIDR: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	core, networking := factory.Core().V1(), factory.Networking().V1()
	e := &enforcer{
		node: node, podCIDR: podCIDR,
		pods: core.Pods().Lister(), namespaces: core.Namespaces().Lister(), policies: networking.NetworkPolicies().Lister(),
	}
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // one is waiting already
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { notify() }, UpdateFunc: func(any, any) { notify() }, DeleteFunc: func(any) { notify() },
	}
	for _, informer := range []cache.SharedIndexInformer{
		core.Pods().Informer(), core.Namespaces().Informer(), networking.NetworkPolicies().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	notify()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		if err := e.sync(ctx); err != nil {
			klog.ErrorS(err, "loading the rules failed; trying again")
			time.AfterFunc(time.Second, notify)
		}
	}
}

// sync loads the table for the state that the listers show, unless it is loaded already.
func (e *enforcer) sync(ctx context.Context) error {
	all, err := e.pods.List(labels.Everything())
	if err != nil {
		return err
	}
	policies, err := e.policies.List(labels.Everything())
	if err != nil {
		return err
	}
	rules := table(e.node, e.podCIDR, withAddress(all, e.namespaces), policies)
	if rules == e.loaded {
		return nil
	}
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, out)
	}
	e.loaded = rules
	klog.InfoS("rules loaded", "bytes", len(rules))
	return nil
}
