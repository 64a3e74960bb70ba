package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/controllers"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/vault"
)

// worldScript makes a control plane and a Vault; it is run from the module's root.
const worldScript = "test/bench/scale/world.sh"

// world is a control plane and a Vault that nobody has used yet.
type world struct {
	client.Client // an administrator's, without a cache

	folder   string
	config   *rest.Config
	settings settings.Settings
	// lists counts those that this program has made itself.
	lists int
}

func newWorld(ctx context.Context, o options) (*world, error) {
	folder, err := os.MkdirTemp(o.scratch, "world-")
	if err != nil {
		return nil, err
	}
	w := &world{folder: folder}
	if out, err := exec.CommandContext(ctx, worldScript, "up", folder, o.crmkeep).CombinedOutput(); err != nil {
		return nil, w.remove(fmt.Errorf("making a control plane: %w\n%s", err, out))
	}
	if err := w.connect(); err != nil {
		return nil, w.remove(err)
	}
	return w, nil
}

func (w *world) connect() (err error) {
	if w.config, err = clientcmd.BuildConfigFromFlags("", w.path("admin.kubeconfig")); err != nil {
		return err
	}
	w.config.QPS = -1
	if w.settings, err = settings.Load(w.path("settings.yaml")); err != nil {
		return err
	}
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	w.Client, err = client.New(w.config, client.Options{Scheme: scheme})
	return err
}

// remove ends the processes and joins what went wrong with err.
func (w *world) remove(err error) error {
	out, failed := exec.Command(worldScript, "down", w.folder).CombinedOutput()
	if failed != nil {
		failed = fmt.Errorf("removing a control plane: %w\n%s", failed, out)
	}
	return errors.Join(err, failed)
}

func (w *world) path(name string) string { return filepath.Join(w.folder, name) }

// pid of one of the world's processes.
func (w *world) pid(name string) (int, error) {
	content, err := os.ReadFile(w.path("run/" + name + ".pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(content)))
}

// vaultAdministrator has the token with which Vault was set up.
func (w *world) vaultAdministrator() (*api.Client, error) {
	content, err := os.ReadFile(w.path("keys.json"))
	if err != nil {
		return nil, err
	}
	var keys struct{ RootToken string }
	if err := json.Unmarshal(content, &keys); err != nil {
		return nil, err
	}
	client, err := vault.Connect(w.settings.Vault.Address, w.settings.Vault.CABundle, vault.DefaultTimeout)
	if err != nil {
		return nil, err
	}
	client.SetToken(keys.RootToken)
	return client, nil
}
