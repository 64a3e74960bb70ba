// Package job is what all runs share: what a run is told, its access to Vault, its certificate, and what it tells in turn.
package job

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	agent "github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// Options is where a run finds and puts things. The flags' defaults are what the plan gives a pod.
type Options struct {
	// ConfigDir holds config.FileName and agent.VaultCAFile.
	ConfigDir string
	// TokenFile is the projected ServiceAccount token with Vault's audience.
	TokenFile string
	// ScratchDir is a memory-backed folder.
	ScratchDir string
	// VolumesDir has a folder for each volume of the class.
	VolumesDir string
	// ResultFile is where the container's termination message goes.
	ResultFile string
	// ProgressAddress answers questions for the progress.
	ProgressAddress string
}

// AddFlags defines a flag for each option.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.ConfigDir, "config", config.Dir, "folder with "+config.FileName+" and Vault's CA certificate")
	flags.StringVar(&o.TokenFile, "token-file", filepath.Join(config.TokenDir, "token"), "ServiceAccount token for Vault")
	flags.StringVar(&o.ScratchDir, "scratch-dir", config.ScratchDir, "memory-backed folder for the certificate")
	flags.StringVar(&o.VolumesDir, "volumes-dir", config.VolumesDir, "folder with the volumes of the class")
	flags.StringVar(&o.ResultFile, "result", "/dev/termination-log", "file that the result goes to, as JSON")
	flags.StringVar(&o.ProgressAddress, "progress-address", fmt.Sprintf(":%d", config.ProgressPort), "address that answers GET /progress")
}

// Job is one run.
type Job struct {
	Options
	config.Config
	Vault    *Vault
	Progress *Progress
	Log      *slog.Logger
}

// Run does work and reports what came of it. Its error is why the run counts for nothing; a run that did part of its work has none, and
// says so in its result.
func (o Options) Run(ctx context.Context, log *slog.Logger, work func(context.Context, *Job) result.Result) error {
	// Nothing that a run writes is for anybody but its own user.
	syscall.Umask(0o077)
	cfg, err := load(filepath.Join(o.ConfigDir, config.FileName))
	if err != nil {
		return err
	}
	vault, err := newVault(cfg.Vault, filepath.Join(o.ConfigDir, agent.VaultCAFile), o.TokenFile, log)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.ProgressAddress)
	if err != nil {
		return fmt.Errorf("address for the progress: %w", err)
	}
	j := &Job{Options: o, Config: *cfg, Vault: vault, Progress: newProgress(), Log: log}
	stop := j.Progress.serve(listener)
	defer stop()

	done := work(ctx, j)
	done.Seconds = j.Progress.Seconds()
	return report(o.ResultFile, log, done)
}

func report(file string, log *slog.Logger, done result.Result) error {
	message, err := done.Encode()
	if err != nil {
		return err
	}
	log.Info("run ended", "result", string(message))
	if err := os.WriteFile(file, message, 0o600); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	if done.Reason == "" || done.ManifestDigest != "" {
		return nil
	}
	err = fmt.Errorf("%s: %s", done.Reason, done.Message)
	if done.Lasting {
		return lastingError{err}
	}
	return err
}

// load reads the configuration. An unknown field is an error: the manager that wrote it is newer than this run.
func load(path string) (*config.Config, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the file that the pod spec names
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	cfg := &config.Config{}
	if err := yaml.UnmarshalStrict(text, cfg); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	return cfg, nil
}
