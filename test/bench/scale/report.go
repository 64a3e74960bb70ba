package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
)

// report is what a run found.
type report struct {
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
	// Parallel is how many requests the bare client had under way.
	Parallel int      `json:"parallel"`
	Rounds   int      `json:"rounds"`
	Sizes    []int    `json:"sizes"`
	Samples  []sample `json:"samples"`
	// Fairness has one measurement of each round.
	Fairness []fairness `json:"fairness,omitempty"`
}

// sample is one measurement.
type sample struct {
	// Way is "bare", "crmkeep" or "helm".
	Way   string `json:"way"`
	N     int    `json:"n"`
	Round int    `json:"round"`
	// Installed is less than N when Helm was measured with fewer; TotalSeconds is then for N at the same pace.
	Installed int `json:"installed"`
	Objects   int `json:"objectsPerEnvironment"`
	// StageSeconds is until all that crmkeep makes of a new environment is there, TotalSeconds until everything is.
	StageSeconds float64 `json:"stageSeconds,omitempty"`
	TotalSeconds float64 `json:"totalSeconds"`
	// CPU seconds by process, for all Installed environments.
	CPU usage `json:"cpuSeconds"`
	// Requests are the API server's counts by verb, resource and subresource; Calls of them are the way's own, by verb and
	// environment, and StandInCalls those of the stand-in for nodes.
	Requests     counters           `json:"requests"`
	Calls        map[string]float64 `json:"callsPerEnvironment"`
	StandInCalls map[string]float64 `json:"standInCallsPerEnvironment,omitempty"`
	// Vault requests by operation and mount, per environment.
	Vault               map[string]float64 `json:"vaultPerEnvironment,omitempty"`
	Reconciles          float64            `json:"reconcilesPerEnvironment,omitempty"`
	ReconcilesPerObject float64            `json:"reconcilesPerObject,omitempty"`
	Memory              *memoryUse         `json:"memory,omitempty"`
	SecondPass          *passUse           `json:"secondPass,omitempty"`
	Restart             *restartUse        `json:"restart,omitempty"`
	Deletion            *deletionUse       `json:"deletion,omitempty"`
}

func newReport(o options) *report {
	return &report{CPUs: runtime.NumCPU(), Go: runtime.Version(), Parallel: o.parallel, Rounds: o.rounds, Sizes: o.sizes}
}

func (r *report) write(folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "scale.json"), append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "scale.svg"), r.plot(), 0o600)
}

// of gives a value of the samples of one way and number, by round.
func (r *report) of(way string, n int, value func(sample) float64) []float64 {
	var values []float64
	for _, s := range r.Samples {
		if s.Way == way && s.N == n {
			values = append(values, value(s))
		}
	}
	return values
}

// ratio compares two ways round by round.
func (r *report) ratio(over, under string, n int, value func(sample) float64) []float64 {
	a, b := r.of(over, n, value), r.of(under, n, value)
	var ratios []float64
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, a[i]/b[i])
	}
	return ratios
}

// spread prints the median, and the smallest and the largest value.
func spread(values []float64, format string) string {
	if len(values) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(values))
	return fmt.Sprintf(format+" ("+format+"-"+format+")", median(sorted), sorted[0], sorted[len(sorted)-1])
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

func stageOf(s sample) float64 { return s.StageSeconds }
func totalOf(s sample) float64 { return s.TotalSeconds }

// cpuOf is of all processes, per environment. Helm's own processes have ended by then and count as the bench's children.
func cpuOf(s sample) float64 {
	var sum float64
	for _, seconds := range s.CPU {
		sum += seconds
	}
	return sum / float64(s.Installed)
}

func (r *report) print(to io.Writer) {
	fmt.Fprintf(to, "\n%d CPUs, %s, bare client with %d requests at once; medians of %d rounds (smallest-largest)\n", r.CPUs, r.Go, r.Parallel, r.Rounds)
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nn\tway\tfirst stage, s\tall, s\ts per environment\tCPU s per environment")
	for _, n := range r.Sizes {
		for _, way := range wayNames {
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", n, way, spread(r.of(way, n, stageOf), "%.1f"), spread(r.of(way, n, totalOf), "%.1f"),
				spread(r.of(way, n, func(s sample) float64 { return s.TotalSeconds / float64(n) }), "%.3f"), spread(r.of(way, n, cpuOf), "%.3f"))
		}
	}
	fmt.Fprintln(t, "\nn\tcrmkeep/bare, first stage\tcrmkeep/bare, all\tcrmkeep/bare, CPU\thelm/crmkeep, time\thelm/crmkeep, CPU")
	for _, n := range r.Sizes {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", n, spread(r.ratio("crmkeep", "bare", n, stageOf), "%.2f"),
			spread(r.ratio("crmkeep", "bare", n, totalOf), "%.2f"), spread(r.ratio("crmkeep", "bare", n, cpuOf), "%.2f"),
			spread(r.ratio("helm", "crmkeep", n, totalOf), "%.1f"), spread(r.ratio("helm", "crmkeep", n, cpuOf), "%.1f"))
	}
	t.Flush() //nolint:errcheck // a person reads it
	r.printCounts(to)
	r.printManager(to)
	r.printFairness(to)
}

// printCounts prints what the last round's samples counted: counts hardly vary.
func (r *report) printCounts(to io.Writer) {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nn\tway\tobjects\tAPI calls per environment\tthe stand-in's\tVault's\tCPU s by process")
	for _, s := range r.last() {
		fmt.Fprintf(t, "%d\t%s\t%d\t%s\t%s\t%s\t%s\n", s.N, s.Way, s.Objects, list(s.Calls, "%.1f"), list(s.StandInCalls, "%.1f"), list(s.Vault, "%.1f"), list(s.CPU, "%.1f"))
	}
	t.Flush() //nolint:errcheck // a person reads it
}

func (r *report) printManager(to io.Writer) {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nn\tpasses per environment\tper object\tresident MB\tlive MB\tbase MB\tlive kB per environment\tof them beyond the row before"+
		"\tsecond pass\tits writes\treads\tVault's\tcaches after a restart\tverified\twrites\treads\tCPU s by process")
	var before sample
	for _, s := range r.last() {
		if s.Memory == nil || s.SecondPass == nil || s.Restart == nil {
			continue
		}
		m, p, v := s.Memory, s.SecondPass, s.Restart
		beyond := "-"
		if before.Memory != nil {
			beyond = fmt.Sprintf("%.0f", (m.Live-before.Memory.Live)/float64(s.N-before.N)/1e3)
		}
		before = s
		fmt.Fprintf(t, "%d\t%.1f\t%.2f\t%.0f\t%.1f\t%.1f\t%.0f\t%s\t%.2f s\t%.0f\t%.0f\t%s\t%.2f s\t%.2f s\t%.0f\t%.0f\t%s\n", s.N, s.Reconciles, s.ReconcilesPerObject,
			m.Resident/1e6, m.Live/1e6, m.Base/1e6, m.PerEnvironment/1e3, beyond, p.Seconds, p.Writes, p.Reads, list(p.Vault, "%.0f"),
			v.CacheSeconds, v.Verified.Seconds, v.Verified.Writes, v.Verified.Reads, list(v.Verified.CPU, "%.1f"))
	}
	fmt.Fprintln(t, "\nn\tall shredded\tnamespaces left\troles in Vault\tsecrets\tkeys\tof them no evidence key")
	for _, s := range r.Samples {
		if d := s.Deletion; d != nil {
			fmt.Fprintf(t, "%d\t%.1f s\t%d\t%d\t%d\t%d\t%d\n", s.N, d.Seconds, d.Namespaces, d.Roles, d.Secrets, d.Keys, d.Foreign)
		}
	}
	t.Flush() //nolint:errcheck // a person reads it
}

// last gives the newest sample of each way and number.
func (r *report) last() []sample {
	var samples []sample
	for _, n := range r.Sizes {
		for _, way := range wayNames {
			for _, s := range slices.Backward(r.Samples) {
				if s.N == n && s.Way == way {
					samples = append(samples, s)
					break
				}
			}
		}
	}
	return samples
}

func list(counts map[string]float64, format string) string {
	out := ""
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		out += fmt.Sprintf("%s "+format+", ", key, counts[key])
	}
	return out[:max(0, len(out)-2)]
}
