// Package docs holds the documents to what exists: links, commands and manifests.
package docs

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

const root = "../.."

var (
	fence       = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")
	link        = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading     = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	makeTarget  = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
	makeMention = regexp.MustCompile("(?m)(?:`|^)make ([a-z][a-z0-9-]*)")
	inlineCode  = regexp.MustCompile("`[^`\n]*`")
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

func TestEveryRelativeLinkResolves(t *testing.T) {
	for file, text := range pages(t) {
		prose := inlineCode.ReplaceAllString(fence.ReplaceAllString(text, ""), "")
		for _, match := range link.FindAllStringSubmatch(prose, -1) {
			target, err := url.Parse(match[1])
			require.NoError(t, err, "%s: %s", file, match[1])
			if target.IsAbs() {
				continue
			}
			path := file
			if target.Path != "" {
				path = filepath.Join(filepath.Dir(file), target.Path)
			}
			if _, err := os.Stat(filepath.Join(root, path)); !assert.NoError(t, err, "%s links to %s", file, match[1]) || target.Fragment == "" {
				continue
			}
			assert.Contains(t, anchors(t, path), target.Fragment, "%s links to %s", file, match[1])
		}
	}
}

func TestEveryMakeTargetThatIsNamedExists(t *testing.T) {
	makefile := read(t, "Makefile")
	targets := map[string]bool{}
	for _, match := range makeTarget.FindAllStringSubmatch(makefile, -1) {
		targets[match[1]] = true
	}
	for file, text := range pages(t) {
		for _, match := range makeMention.FindAllStringSubmatch(text, -1) {
			assert.True(t, targets[match[1]], "%s names make %s", file, match[1])
		}
	}
}

func TestEveryManifestIsOneThatTheTypesTake(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	checked := 0
	for file, text := range pages(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			if block[1] == "yaml" {
				checked += manifests(t, scheme, file, block[2])
			}
		}
	}
	assert.Positive(t, checked, "no manifest was found: the search is broken")
}

// manifests checks the documents of a block that are of crmkeep's kinds, and counts them.
func manifests(t *testing.T, scheme *runtime.Scheme, file, block string) int {
	t.Helper()
	checked := 0
	reader := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(block)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return checked
		}
		require.NoError(t, err, "%s:\n%s", file, block)
		var kind struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		require.NoError(t, yaml.Unmarshal(document, &kind), "%s:\n%s", file, document)
		gvk := schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind)
		if gvk.Group != v1alpha1.SchemeGroupVersion.Group {
			continue
		}
		object, err := scheme.New(gvk)
		require.NoError(t, err, file)
		assert.NoError(t, yaml.UnmarshalStrict(document, object), "%s:\n%s", file, document)
		checked++
	}
}

// pages are the texts of all Markdown files that belong to the project, by their path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := files(t, func(name string) bool { return filepath.Ext(name) == ".md" })
	require.Contains(t, found, "README.md")
	return found
}

// files are the texts of the project's files whose names are wanted.
func files(t *testing.T, wanted func(name string) bool) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "bin") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !wanted(entry.Name()) {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err == nil {
			found[relative] = read(t, relative)
		}
		return err
	})
	require.NoError(t, err)
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	return string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
}

// anchors of a page's headings, as they are made where Markdown is shown.
func anchors(t *testing.T, path string) []string {
	t.Helper()
	var all []string
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(read(t, path), ""), -1) {
		text := notInAnchor.ReplaceAllString(strings.ToLower(match[1]), "")
		all = append(all, strings.ReplaceAll(text, " ", "-"))
	}
	return all
}
