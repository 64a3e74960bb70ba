package agent

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/agent/config"
)

// load reads the agent's configuration. An unknown field is an error: the manager that wrote it is newer than this agent.
func load(path string) (*config.Config, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the file that the pod spec names
	if err != nil {
		return nil, fmt.Errorf("agent configuration: %w", err)
	}
	cfg := &config.Config{}
	if err := yaml.UnmarshalStrict(text, cfg); err != nil {
		return nil, fmt.Errorf("agent configuration %s: %w", path, err)
	}
	return cfg, nil
}
