// Package declaration reads declarations from files, for the subcommands that need no cluster.
package declaration

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// Visit is called with each document of one of crmkeep's kinds.
type Visit func(kind string, document []byte) error

// Files reads YAML files. The name "-" stands for standard input.
func Files(names []string, stdin io.Reader, visit Visit) error {
	for _, name := range names {
		content, err := open(name, stdin)
		if err != nil {
			return err
		}
		if err := Documents(content, visit); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func open(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name) //nolint:gosec // the user names their own files
}

// Documents reads YAML documents. Those that are not of crmkeep's API group are passed over.
func Documents(content []byte, visit Visit) error {
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for n := 1; ; n++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = one(document, visit)
		}
		if err != nil {
			return fmt.Errorf("document %d: %w", n, err)
		}
	}
}

func one(document []byte, visit Visit) error {
	var kind struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := sigsyaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	if kind.APIVersion != v1alpha1.SchemeGroupVersion.String() {
		return nil
	}
	return visit(kind.Kind, document)
}
