package backup

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// run runs a process and measures its time, and the CPU time and the memory of it and of all below it.
func (m *measured) run(b *testing.B, process *exec.Cmd) {
	b.Helper()
	start := time.Now()
	m.Peak = watched(b, process)
	m.Seconds = time.Since(start).Seconds()
	m.CPU = (process.ProcessState.UserTime() + process.ProcessState.SystemTime()).Seconds()
}

// watched runs a process and gives the most memory that it and all below it had in their hands at a time, in bytes.
func watched(b *testing.B, process *exec.Cmd) (peak int64) {
	b.Helper()
	var said bytes.Buffer
	process.Stderr = &said
	require.NoError(b, process.Start())
	ended := make(chan error, 1)
	go func() { ended <- process.Wait() }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			require.NoError(b, err, said.String())
			return peak
		case <-tick.C:
			peak = max(peak, resident(process.Process.Pid))
		}
	}
}

// resident memory of a process and of those below it, without what they share with others, in bytes.
func resident(pid int) (total int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "RssAnon:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			total += kib << 10
		}
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				total += resident(n)
			}
		}
	}
	return total
}
