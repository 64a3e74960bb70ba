package roles

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// report of a run.
type report struct {
	Size size `json:"size"`
	// LoadBefore and LoadAfter are the machine's averages over one minute.
	LoadBefore string     `json:"loadBefore"`
	LoadAfter  string     `json:"loadAfter"`
	Measured   []measured `json:"measured"`
}

// measured is one thing that was done. A budget of zero is none.
type measured struct {
	What        string  `json:"what"`
	Seconds     float64 `json:"seconds"`
	MostSeconds float64 `json:"mostSeconds,omitempty"`
	// Calls to one CRM; of several, the most.
	Calls     int `json:"calls,omitempty"`
	MostCalls int `json:"mostCalls,omitempty"`
}

func load(t testing.TB) string {
	t.Helper()
	content, err := os.ReadFile("/proc/loadavg")
	require.NoError(t, err)
	average, _, _ := strings.Cut(string(content), " ")
	return average
}

func (r *report) print() {
	fmt.Printf("\n%d roles, %d people, %d CRMs; load %s when it began, %s when it ended\n\n",
		r.Size.Roles, r.Size.People, r.Size.CRMs, r.LoadBefore, r.LoadAfter)
	fmt.Println("| what | seconds | at most | | calls | at most | |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, m := range r.Measured {
		fmt.Printf("| %s | %.2f | %s | %s | %s | %s | %s |\n", m.What, m.Seconds, figure(m.MostSeconds), verdict(m.Seconds, m.MostSeconds),
			figure(float64(m.Calls)), figure(float64(m.MostCalls)), verdict(float64(m.Calls), float64(m.MostCalls)))
	}
	fmt.Println()
}

func figure(of float64) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprint(of)
}

func verdict(have, most float64) string {
	switch {
	case most == 0:
		return ""
	case have <= most:
		return "pass"
	}
	return "fail"
}

func (r *report) write(t testing.TB, file string) {
	t.Helper()
	if file == "" {
		return
	}
	content, err := json.MarshalIndent(r, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(content, '\n'), 0o600))
}
