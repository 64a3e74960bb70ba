package docs

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access/explain"
	"github.com/crmkeep/crmkeep/internal/access/review/show"
	"github.com/crmkeep/crmkeep/internal/agent"
	"github.com/crmkeep/crmkeep/internal/agent/postgres"
	"github.com/crmkeep/crmkeep/internal/backup/restore"
	"github.com/crmkeep/crmkeep/internal/backup/run"
	"github.com/crmkeep/crmkeep/internal/backup/verify"
	"github.com/crmkeep/crmkeep/internal/check"
	"github.com/crmkeep/crmkeep/internal/exec"
	"github.com/crmkeep/crmkeep/internal/invite"
	"github.com/crmkeep/crmkeep/internal/manager"
	"github.com/crmkeep/crmkeep/internal/preview"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/vault/bootstrap"
)

var (
	reason       = regexp.MustCompile(`(?m)^\s*Reason\w+ += "(\w+)"`)
	dependency   = regexp.MustCompile(`(?m)^\t(\S+) v\S+$`)
	testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	goTest       = regexp.MustCompile("`(Test[A-Z]\\w+)`")
)

func TestEveryReasonHasARemedy(t *testing.T) {
	page := read(t, "docs/how-to/troubleshoot.md")
	for _, file := range []string{
		"api/v1alpha1/conditions.go", "internal/vault/errors.go", "internal/agent/session/reasons.go", "internal/agent/agent.go",
		"internal/backup/restore/reasons.go", "internal/backup/run/reasons.go",
	} {
		found := reason.FindAllStringSubmatch(read(t, file), -1)
		require.NotEmpty(t, found, file)
		for _, match := range found {
			assert.Contains(t, page, "\n| `"+match[1]+"` |", "a reason of %s", file)
		}
	}
}

func TestEveryFlagIsInTheReference(t *testing.T) {
	page := read(t, "docs/reference/cli.md")
	for name, command := range map[string]*cobra.Command{
		"crmkeep plan": preview.NewCommand(), "crmkeep vault bootstrap": bootstrap.NewCommand(), "crmkeep manager": manager.NewCommand(),
		"crmkeep agent": agent.NewCommand(), "crmkeep exec": exec.NewCommand(), "crmkeep postgres-init": postgres.NewInitCommand(),
		"crmkeep restore": restore.NewCommand(), "crmkeep backup": run.NewCommand(), "crmkeep check http": check.NewCommand().Commands()[0],
		"crmkeep explain access": explain.NewCommand().Commands()[0], "crmkeep who-can": explain.NewWhoCanCommand(),
		"crmkeep vault inviter": bootstrap.NewInviterCommand(), "crmkeep invite": invite.NewCommand(), "crmkeep invite open": invite.NewCommand().Commands()[0],
		"crmkeep review":          show.NewCommand(),
		"crmkeep verify manifest": verify.NewCommand().Commands()[0], "crmkeep verify statement": verify.NewCommand().Commands()[1],
	} {
		_, section, ok := strings.Cut(page, "\n## "+name+"\n")
		require.True(t, ok, "no section for %s", name)
		section, _, _ = strings.Cut(section, "\n## ")
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			assert.Contains(t, section, "`--"+flag.Name+"`", "a flag of %s", name)
		})
	}
}

func TestEverySettingIsInTheReference(t *testing.T) {
	page := read(t, "docs/reference/settings.md")
	for _, path := range settingPaths(reflect.TypeFor[settings.Settings](), "") {
		assert.Contains(t, page, "`"+path+"`")
	}
}

// settingPaths lists the fields that take a value. Those of a Peer are described once, without the path to it.
func settingPaths(of reflect.Type, prefix string) []string {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return []string{strings.TrimSuffix(prefix, ".")}
	}
	var paths []string
	if of == reflect.TypeFor[settings.Peer]() && prefix != "" {
		paths, prefix = append(paths, strings.TrimSuffix(prefix, ".")), ""
	}
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		paths = append(paths, settingPaths(field.Type, prefix+name+".")...)
	}
	return paths
}

func TestEveryDirectDependencyHasAReason(t *testing.T) {
	page := read(t, "docs/dependencies.md")
	found := dependency.FindAllStringSubmatch(read(t, "go.mod"), -1)
	require.NotEmpty(t, found)
	for _, match := range found {
		assert.Contains(t, page, "`"+match[1]+"`")
	}
}

func TestEveryTestThatAPageNamesExists(t *testing.T) {
	tests := testFunctions(t)
	for file, text := range pages(t) {
		for _, match := range goTest.FindAllStringSubmatch(text, -1) {
			assert.True(t, tests[match[1]], "%s names %s", file, match[1])
		}
	}
}

// testFunctions are the names of all tests of the project.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, text := range files(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		for _, match := range testFunction.FindAllStringSubmatch(text, -1) {
			found[match[1]] = true
		}
	}
	return found
}
