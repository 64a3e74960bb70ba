package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
)

// measurement is what was so at its begin.
type measurement struct {
	world    *world
	name     string
	pid      int
	cpu      usage
	requests counters
	vault    int64
}

// begin takes stock. A process of the way itself has a name and an id.
func (w *world) begin(name string, pid int) (*measurement, error) {
	m := &measurement{world: w, name: name, pid: pid}
	var err error
	if m.requests, err = w.apiRequests(context.Background()); err != nil {
		return nil, err
	}
	if m.vault, err = w.auditSize(); err != nil {
		return nil, err
	}
	m.cpu, err = w.cpu(name, pid)
	return m, err
}

// end takes stock again for a number of environments that were brought about meanwhile.
func (m *measurement) end(environments int) (sample, error) {
	s := sample{N: environments, Installed: environments}
	cpu, err := m.world.cpu(m.name, m.pid)
	if err != nil {
		return s, err
	}
	s.CPU = cpu.since(m.cpu)
	requests, err := m.world.apiRequests(context.Background())
	if err != nil {
		return s, err
	}
	s.Requests = requests.since(m.requests)
	own, standIn := calls(s.Requests)
	own["LIST"] -= float64(m.world.lists)
	s.Calls, s.StandInCalls = each(own, environments), each(standIn, environments)
	vault, err := m.world.vaultRequests(m.vault)
	s.Vault = each(vault, environments)
	return s, err
}

func each(counts map[string]float64, environments int) map[string]float64 {
	out := make(map[string]float64, len(counts))
	for key, value := range counts {
		out[key] = value / float64(environments)
	}
	return out
}

func (w *world) auditSize() (int64, error) {
	info, err := os.Stat(w.path("vault-audit.log"))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// vaultRequests counts what Vault was asked since its record had that size: by operation and first part of the path.
func (w *world) vaultRequests(since int64) (map[string]float64, error) {
	content, err := os.ReadFile(w.path("vault-audit.log"))
	if err != nil {
		return nil, err
	}
	counts := make(map[string]float64)
	scanner := bufio.NewScanner(bytes.NewReader(content[since:]))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var entry struct {
			Type    string
			Request struct{ Operation, Path string }
		}
		if err := json.Unmarshal(scanner.Bytes(), &entry); err != nil || entry.Type != "request" {
			continue // A line that is being written.
		}
		mount, _, _ := strings.Cut(entry.Request.Path, "/")
		counts[entry.Request.Operation+" "+mount]++
	}
	return counts, scanner.Err()
}
