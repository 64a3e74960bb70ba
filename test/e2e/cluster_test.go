//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	vault "github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// How long to wait for things. They bound what a slow machine may take, and are no measure of what is usual.
const (
	soon    = 60 * time.Second
	patient = 5 * time.Minute
)

// poll is how often a condition is looked at.
const poll = 500 * time.Millisecond

// cluster is the cluster under test, as an administrator sees it.
type cluster struct {
	client.Client
	config     *rest.Config
	kubeconfig string
	repo       string
	vault      *vault.Client
	unsealKey  string
}

func connect(repo string) (*cluster, error) {
	state := os.Getenv("CRMKEEP_CLUSTER_STATE")
	if state == "" {
		state = filepath.Join(repo, ".local/node")
	}
	c := &cluster{repo: repo, kubeconfig: filepath.Join(state, "admin.kubeconfig")}
	var err error
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.kubeconfig); err != nil {
		return nil, err
	}
	c.config.QPS = -1
	if c.Client, err = newClient(c.config); err != nil {
		return nil, err
	}
	return c, c.connectVault(filepath.Join(state, "vault"))
}

func newClient(config *rest.Config) (client.Client, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return client.New(config, client.Options{Scheme: scheme})
}

// as gives a client that acts as somebody else.
func (c *cluster) as(t *testing.T, user string, groups ...string) client.Client {
	t.Helper()
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	other, err := newClient(config)
	require.NoError(t, err)
	return other
}

// shell runs a function of hack/demo/lib.sh for a tenant, or a program, and gives its output without the last line's end.
func (c *cluster) shell(ctx context.Context, tenant string, args ...string) (string, error) {
	return c.shellWith(ctx, tenant, "", args...)
}

// shellWith does so with a standard input, which is where secrets go: arguments are visible to everybody on the machine.
func (c *cluster) shellWith(ctx context.Context, tenant, input string, args ...string) (string, error) {
	library := filepath.Join(c.repo, "hack/demo/lib.sh")
	command := exec.CommandContext(ctx, "bash", append([]string{"-c", `. "$0" && use_cluster && "$@"`, library}, args...)...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig, "CRMKEEP_TENANT="+tenant)
	var out, problems bytes.Buffer
	command.Stdin = strings.NewReader(input)
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s%s", args[0], err, out.String(), problems.String())
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// program runs one of the repository's, and gives all that it said.
func program(ctx context.Context, env []string, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.repo, name), args...)
	command.Env = append(os.Environ(), env...)
	out, err := command.CombinedOutput()
	return string(out), err
}

// eventually waits until check has no complaint.
func eventually(t *testing.T, timeout time.Duration, what string, check func(ctx context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), poll, timeout, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	require.NoError(t, err, "waiting for %s: %v", what, last)
}
