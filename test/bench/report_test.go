package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// budget is the share of direct TLS that is to remain through the agent.
const budget = 0.95

// report is what a run found.
type report struct {
	CPUs int `json:"cpus"`
	// Busy is what else ran when the rounds began: how many processes wanted a CPU, on average over a minute.
	Busy    string       `json:"busy"`
	Go      string       `json:"go"`
	Rounds  int          `json:"rounds"`
	Seconds int          `json:"seconds"`
	Budget  float64      `json:"budget"`
	Results []comparison `json:"results"`
}

// comparison is one load beside direct connections.
type comparison struct {
	Load    string `json:"load"`
	Clients int    `json:"clients"`
	// End of the agent that the application takes: "TCP" or "socket".
	End string `json:"end"`
	// Unit that the rates count per second: "transaction" or "MB".
	Unit string `json:"unit"`
	// Direct and Agent are rates.
	Direct spread `json:"direct"`
	Agent  spread `json:"agent"`
	// Ratio of each agent's round to the direct round before it.
	Ratio spread `json:"ratio"`
	// AddedMicroseconds is how much longer a client waits for one unit.
	AddedMicroseconds float64 `json:"addedMicroseconds"`
	// AgentCPUMicroseconds is the agent's CPU time for one unit.
	AgentCPUMicroseconds float64 `json:"agentCPUMicroseconds"`
	WithinBudget         bool    `json:"withinBudget"`
}

// spread is the middle of some rounds and the half of them around it.
type spread struct {
	Median float64 `json:"median"`
	Lower  float64 `json:"lowerQuartile"`
	Upper  float64 `json:"upperQuartile"`
}

func newReport(b *testing.B, rounds, seconds int) *report {
	b.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	require.NoError(b, err)
	busy, _, _ := strings.Cut(string(text), " ")
	return &report{CPUs: runtime.NumCPU(), Busy: busy, Go: runtime.Version(), Rounds: rounds, Seconds: seconds, Budget: budget}
}

func newComparison(l load, end string, direct, agent, busy []float64) comparison {
	ratios := make([]float64, len(direct))
	for i := range direct {
		ratios[i] = agent[i] / direct[i]
	}
	c := comparison{
		Load: l.name, Clients: l.clients, End: end, Unit: l.unit, Direct: spreadOf(direct), Agent: spreadOf(agent), Ratio: spreadOf(ratios),
		AgentCPUMicroseconds: spreadOf(busy).Median * 1e6,
	}
	c.AddedMicroseconds = float64(l.clients) * (1/c.Agent.Median - 1/c.Direct.Median) * 1e6
	c.WithinBudget = c.Ratio.Median >= budget
	return c
}

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	return spread{Median: quantile(sorted, 0.5), Lower: quantile(sorted, 0.25), Upper: quantile(sorted, 0.75)}
}

// quantile interpolates between the two values around it.
func quantile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

func (r *report) add(c comparison) { r.Results = append(r.Results, c) }

func (r *report) print(to io.Writer) {
	fmt.Fprintf(to, "\n%d CPUs, %s others waiting for one; %s; medians of %d rounds, quartiles in brackets; budget %.2f\n\n",
		r.CPUs, r.Busy, r.Go, r.Rounds, r.Budget)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "load\tclients\tend\tdirect\tagent\tratio\tadded µs\tagent's CPU µs\tbudget")
	for _, c := range r.Results {
		fmt.Fprintf(table, "%s\t%d\t%s\t%.0f (%.0f-%.0f)\t%.0f (%.0f-%.0f) %s/s\t%.3f (%.3f-%.3f)\t%.0f\t%.1f\t%s\n", c.Load, c.Clients, c.End,
			c.Direct.Median, c.Direct.Lower, c.Direct.Upper, c.Agent.Median, c.Agent.Lower, c.Agent.Upper, c.Unit,
			c.Ratio.Median, c.Ratio.Lower, c.Ratio.Upper, c.AddedMicroseconds, c.AgentCPUMicroseconds, verdict(c.WithinBudget))
	}
	table.Flush() //nolint:errcheck // a person reads it
}

func verdict(within bool) string {
	if within {
		return "pass"
	}
	return "fail"
}

func (r *report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func TestARatioIsOfTwoRoundsSideBySide(t *testing.T) {
	// The machine got slower from round to round, for both sides alike.
	c := newComparison(load{clients: 1}, "TCP", []float64{1000, 500, 100}, []float64{960, 480, 96}, []float64{1e-6, 2e-6, 3e-6})
	assert.InDelta(t, 0.96, c.Ratio.Lower, 1e-9)
	assert.InDelta(t, 0.96, c.Ratio.Upper, 1e-9)
	assert.True(t, c.WithinBudget)
	assert.InDelta(t, 1e6/480-1e6/500, c.AddedMicroseconds, 1e-6)
	assert.InDelta(t, 2, c.AgentCPUMicroseconds, 1e-9)
	assert.Equal(t, spread{Median: 500, Lower: 300, Upper: 750}, c.Direct)
}
