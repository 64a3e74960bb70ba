package api

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

func TestEveryExpressionHasARejectedSample(t *testing.T) {
	for _, kind := range kinds {
		folder := filepath.Join("testdata", strings.ToLower(kind.name), "rejected")
		paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		require.NoError(t, err)
		var wanted []string
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			wanted = append(wanted, wantedMessage(t, raw))
		}
		for _, message := range ruleMessages(t, kind.plural) {
			require.True(t, coversMessage(wanted, message), "no sample in %s is refused with %q", folder, message)
		}
	}
}

func coversMessage(wanted []string, message string) bool {
	for _, want := range wanted {
		if strings.Contains(message, want) {
			return true
		}
	}
	return false
}

// ruleMessages lists the messages of all x-kubernetes-validations of a kind.
func ruleMessages(t *testing.T, plural string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", "crmkeep.io_"+plural+".yaml"))
	require.NoError(t, err)
	var crd any
	require.NoError(t, yaml.Unmarshal(raw, &crd))
	messages := collectMessages(crd)
	require.NotEmpty(t, messages)
	return messages
}

func collectMessages(node any) []string {
	var found []string
	switch node := node.(type) {
	case map[string]any:
		if rules, ok := node["x-kubernetes-validations"].([]any); ok {
			for _, rule := range rules {
				message, _ := rule.(map[string]any)["message"].(string)
				found = append(found, message)
			}
		}
		for _, child := range node {
			found = append(found, collectMessages(child)...)
		}
	case []any:
		for _, child := range node {
			found = append(found, collectMessages(child)...)
		}
	}
	return found
}
