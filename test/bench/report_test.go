package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
)

// budget is the share of direct TLS that is to remain through the agent.
const budget = 0.95

// report is what a run found.
type report struct {
	CPUs    int          `json:"cpus"`
	Go      string       `json:"go"`
	Rounds  int          `json:"rounds"`
	Seconds int          `json:"seconds"`
	Budget  float64      `json:"budget"`
	Results []comparison `json:"results"`
}

// comparison is one load on both sides.
type comparison struct {
	Load    string `json:"load"`
	Clients int    `json:"clients"`
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

func newReport(rounds, seconds int) *report {
	return &report{CPUs: runtime.NumCPU(), Go: runtime.Version(), Rounds: rounds, Seconds: seconds, Budget: budget}
}

func newComparison(l load, direct, agent, busy []float64) comparison {
	ratios := make([]float64, len(direct))
	for i := range direct {
		ratios[i] = agent[i] / direct[i]
	}
	c := comparison{
		Load: l.name, Clients: l.clients, Unit: l.unit, Direct: spreadOf(direct), Agent: spreadOf(agent), Ratio: spreadOf(ratios),
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
	fmt.Fprintf(to, "\n%d CPUs, %s; medians of %d rounds, quartiles in brackets; budget %.2f\n\n", r.CPUs, r.Go, r.Rounds, r.Budget)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "load\tclients\tdirect\tagent\tratio\tadded µs\tagent's CPU µs\tbudget")
	for _, c := range r.Results {
		fmt.Fprintf(table, "%s\t%d\t%.0f (%.0f-%.0f)\t%.0f (%.0f-%.0f) %s/s\t%.3f (%.3f-%.3f)\t%.0f\t%.1f\t%s\n", c.Load, c.Clients,
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
	return os.WriteFile(file, append(text, '\n'), 0o600)
}
