package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// deletionUse is what the end of all environments took and left.
type deletionUse struct {
	Seconds float64 `json:"seconds"`
	// Namespaces and Roles must be 0. Keys are the environments' evidence keys, which outlive a shred, and nothing else.
	Namespaces int `json:"namespacesLeft"`
	Roles      int `json:"vaultRolesLeft"`
	Keys       int `json:"vaultKeysLeft"`
	Foreign    int `json:"vaultKeysLeftThatAreNotEvidence"`
	Secrets    int `json:"vaultSecretsLeft"`
}

// deletion shreds all environments. Kubernetes' own controllers that end namespaces and volumes run for this part only.
func deletion(ctx context.Context, w *world, f *fleet) (*deletionUse, error) {
	stop, err := startNamespaceController(w)
	if err != nil {
		return nil, err
	}
	defer stop()
	began := time.Now()
	for _, tenant := range f.tenants {
		if err := w.DeleteAllOf(ctx, &v1alpha1.CRMEnvironment{}, client.InNamespace(naming.HomeNamespace(tenant.Name))); err != nil {
			return nil, err
		}
	}
	err = poll(ctx, 200*time.Millisecond, func() (bool, error) {
		var list v1alpha1.CRMEnvironmentList
		err := w.List(ctx, &list)
		return len(list.Items) == 0, err
	})
	if err != nil {
		return nil, fmt.Errorf("waiting for the environments to be gone: %w", err)
	}
	u := &deletionUse{Seconds: time.Since(began).Seconds()}
	return u, errors.Join(w.leftInCluster(ctx, u), w.leftInVault(ctx, u))
}

func (w *world) leftInCluster(ctx context.Context, u *deletionUse) error {
	var list corev1.NamespaceList
	err := w.List(ctx, &list, client.MatchingLabels{naming.LabelNamespace: naming.NamespaceWorkload})
	u.Namespaces = len(list.Items)
	return err
}

func startNamespaceController(w *world) (stop func(), err error) {
	binary, err := exec.LookPath("kube-controller-manager")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "--kubeconfig="+filepath.Join(w.folder, "admin.kubeconfig"), "--leader-elect=false", "--secure-port=0",
		"--controllers=namespace-controller,persistentvolumeclaim-protection-controller", "--concurrent-namespace-syncs=16",
		"--kube-api-qps=1000", "--kube-api-burst=1000")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}, nil
}

// leftInVault counts with the token of who set Vault up.
func (w *world) leftInVault(ctx context.Context, u *deletionUse) error {
	vault, err := w.vaultAdministrator()
	if err != nil {
		return err
	}
	var lists [4][]string
	for i, path := range []string{"crmkeep-pki/roles", "auth/kubernetes/role", "crmkeep-transit/keys", "crmkeep-kv/metadata"} {
		secret, err := vault.Logical().ListWithContext(ctx, path)
		if err != nil {
			return fmt.Errorf("listing %s: %w", path, err)
		}
		if secret == nil {
			continue
		}
		keys, _ := secret.Data["keys"].([]any)
		for _, key := range keys {
			if name := fmt.Sprint(key); strings.Contains(name, naming.HomeNamespace("scale-")) {
				lists[i] = append(lists[i], name)
			}
		}
	}
	u.Roles, u.Keys, u.Secrets = len(lists[0])+len(lists[1]), len(lists[2]), len(lists[3])
	for _, name := range lists[2] {
		if !strings.HasSuffix(name, ".evidence") {
			u.Foreign++
		}
	}
	return nil
}
