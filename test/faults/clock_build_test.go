package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

// Now of package time, as it is and with its wall clock set off (see testdata/clock).
const (
	now        = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	nowStepped = now + "\tsec += stepped()\n"
)

// steppable builds crmkeep, once, so that its wall clock, and not its monotonic one, is off by what the file says that CRMKEEP_TEST_CLOCK
// names. The program's own code is what is shipped: another package time is put below it. That is compiled anew with everything above it, which
// takes minutes the first time.
var steppable = sync.OnceValues(func() (string, error) {
	overlay, err := overlay()
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "crmkeep-steppable")
	build := exec.Command("go", "build", "-buildvcs=false", "-overlay="+overlay, "-o", file, ".")
	build.Dir = apitest.File(".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building crmkeep with a clock that can be stepped: %w\n%s", err, out)
	}
	return file, nil
})

// overlay writes what go build's -overlay wants.
func overlay() (string, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("asking where Go is: %w", err)
	}
	source := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time")
	original, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(original), now); n != 1 {
		return "", fmt.Errorf("time.Now of %s is not what this test knows how to step, %q: adapt it to this version of Go", source, now)
	}
	replaced := filepath.Join(folder, "time.go")
	if err := os.WriteFile(replaced, []byte(strings.Replace(string(original), now, nowStepped, 1)), 0o600); err != nil {
		return "", err
	}
	added := apitest.File("test/faults/testdata/clock")
	content, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(source, "time.go"):         replaced,
		filepath.Join(source, "step.go"):         filepath.Join(added, "time.go"),
		apitest.File(".") + "/clockstep_main.go": filepath.Join(added, "main.go"),
	}})
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "overlay.json")
	return file, os.WriteFile(file, content, 0o600)
}
