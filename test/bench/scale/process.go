package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ticks of CPU time in a second, the same on all of Linux' platforms that Go knows.
const ticks = 100

// cpuSeconds that a process has used, by itself and by children that have ended.
func cpuSeconds(pid int) (float64, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold blanks. After it come the state and ten more fields, then four times.
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	var sum float64
	for _, field := range fields[11:15] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum / ticks, nil
}

// memory of a process in bytes: all that is resident, and what of it is its own.
func memory(pid int) (resident, anonymous float64, err error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "VmRSS:":
			resident, err = strconv.ParseFloat(fields[1], 64)
		case "RssAnon:":
			anonymous, err = strconv.ParseFloat(fields[1], 64)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return resident * 1024, anonymous * 1024, nil
}

// usage of CPU by process name.
type usage map[string]float64

// cpu of the world's processes, of this one and of one more that has a name.
func (w *world) cpu(name string, pid int) (usage, error) {
	pids := map[string]int{"bench": os.Getpid()}
	if pid != 0 {
		pids[name] = pid
	}
	for _, process := range []string{"kube-apiserver", "etcd", "vault"} {
		var err error
		if pids[process], err = w.pid(process); err != nil {
			return nil, err
		}
	}
	u := make(usage)
	for process, id := range pids {
		var err error
		if u[process], err = cpuSeconds(id); err != nil {
			return nil, err
		}
	}
	return u, nil
}

func (u usage) since(before usage) usage {
	d := make(usage)
	for name, seconds := range u {
		d[name] = seconds - before[name]
	}
	return d
}
