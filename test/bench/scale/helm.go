package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"
)

const (
	helmProcesses = 4
	// helmNamespace is where Helm keeps its releases: the workload namespaces are in the charts.
	helmNamespace = "default"
)

// helm installs the same objects, one chart for each environment.
func helm(ctx context.Context, w *world, o options, n int) (sample, error) {
	installed := min(n, o.helmLimit)
	f, err := newFleet(w.settings, "helm", installed)
	if err != nil {
		return sample{}, err
	}
	charts := make([]string, installed)
	for i, p := range f.planned {
		if charts[i], err = writeChart(w.path("charts"), p); err != nil {
			return sample{}, err
		}
	}
	m, err := w.begin("", 0)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(helmProcesses)
	for _, chart := range charts {
		group.Go(func() error { return w.helmInstall(ctx, o.helm, chart) })
	}
	if err := group.Wait(); err != nil {
		return sample{}, err
	}
	took := time.Since(began).Seconds()
	s, err := m.end(installed)
	// The same for every environment, so that fewer than all say what all would take.
	s.N, s.Installed, s.TotalSeconds, s.Objects = n, installed, took/float64(installed)*float64(n), len(f.planned[0].all())
	return s, err
}

func (w *world) helmInstall(ctx context.Context, program, chart string) error {
	cmd := exec.CommandContext(ctx, program, "install", filepath.Base(chart), chart,
		"--namespace", helmNamespace, "--kubeconfig", w.path("admin.kubeconfig"))
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+w.path("helm"), "HELM_CONFIG_HOME="+w.path("helm"), "HELM_DATA_HOME="+w.path("helm"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("helm install %s: %w\n%s", filepath.Base(chart), err, out)
	}
	return nil
}

// writeChart makes a chart of the objects as they are.
func writeChart(folder string, p planned) (string, error) {
	chart := filepath.Join(folder, p.namespace)
	if err := os.MkdirAll(filepath.Join(chart, "templates"), 0o700); err != nil {
		return "", err
	}
	var templates bytes.Buffer
	for _, o := range p.all() {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return "", err
		}
		templates.WriteString("---\n")
		templates.Write(text)
	}
	if bytes.Contains(templates.Bytes(), []byte("{{")) {
		return "", errors.New("a planned object holds {{, which Helm would take for a template")
	}
	description := fmt.Sprintf("apiVersion: v2\nname: %s\nversion: 1.0.0\n", p.namespace)
	return chart, errors.Join(
		os.WriteFile(filepath.Join(chart, "Chart.yaml"), []byte(description), 0o600),
		os.WriteFile(filepath.Join(chart, "templates", "objects.yaml"), templates.Bytes(), 0o600))
}
