package backup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Budgets of issue and design.
const (
	leastRatio   = 0.9
	mostUploaded = 0.1
	mostMemory   = 400 << 20
)

// report of a run.
type report struct {
	// Load of the machine when the measurement began: its average over one minute.
	Load    string     `json:"load"`
	Hand    []measured `json:"hand"`
	Crmkeep []measured `json:"crmkeep"`
	Changed []changed  `json:"changed"`
	// HandRestore and CrmkeepRestore are restores of the last backup of each side.
	HandRestore    []measured `json:"handRestore"`
	CrmkeepRestore []measured `json:"crmkeepRestore"`
}

// changed is a backup after some rows changed, beside the one before.
type changed struct {
	Change string   `json:"change"`
	First  measured `json:"first"`
	Second measured `json:"second"`
}

func load(b *testing.B) string {
	b.Helper()
	content, err := os.ReadFile("/proc/loadavg")
	require.NoError(b, err)
	average, _, _ := strings.Cut(string(content), " ")
	return average
}

// median by rate.
func median(all []measured) measured {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b measured) int { return cmp.Compare(a.rate(), b.rate()) })
	return sorted[len(sorted)/2]
}

func verdict(kept bool) string {
	if kept {
		return "pass"
	}
	return "fail"
}

func (r *report) print(b *testing.B) {
	b.Helper()
	fmt.Printf("\n%d MiB with the files; medians of %d rounds; load %s when it began\n\n", r.Crmkeep[0].Bytes>>20, len(r.Hand), r.Load)
	fmt.Println("| what | by hand | crmkeep | budget | |")
	fmt.Println("|---|---|---|---|---|")
	b.ReportMetric(compare("first backup", r.Hand, r.Crmkeep), "ratio")
	b.ReportMetric(compare("restore", r.HandRestore, r.CrmkeepRestore), "restore-ratio")
	for _, c := range r.Changed {
		share := float64(c.Second.Added) / float64(c.First.Added)
		fmt.Printf("| uploaded after a change of %s | – | %.1f of %.1f MiB: %.1f %% | at most %.0f %% | %s |\n",
			c.Change, mib(c.Second.Added), mib(c.First.Added), 100*share, 100*mostUploaded, verdict(share <= mostUploaded))
	}
	fmt.Printf("\nseconds of crmkeep's stages: %v, and of a restore: %v\n\n", median(r.Crmkeep).Stages, median(r.CrmkeepRestore).Stages)
}

// compare prints the rows of what both sides did, and gives the ratio of their rates.
func compare(what string, byHand, byCrmkeep []measured) (ratio float64) {
	hand, crmkeep := median(byHand), median(byCrmkeep)
	ratio = crmkeep.rate() / hand.rate()
	var peak int64
	for _, m := range byCrmkeep {
		peak = max(peak, m.Peak)
	}
	fmt.Printf("| %s | %.1f MiB/s | %.1f MiB/s | ratio %.2f, at least %.1f | %s |\n", what, hand.rate(), crmkeep.rate(), ratio, leastRatio, verdict(ratio >= leastRatio))
	fmt.Printf("| its CPU seconds | %.1f | %.1f | – | |\n", hand.CPU, crmkeep.CPU)
	fmt.Printf("| its memory at most | %d MiB | %d MiB | under %d MiB | %s |\n", hand.Peak>>20, peak>>20, mostMemory>>20, verdict(peak < mostMemory))
	return ratio
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func (r *report) write(b *testing.B, file string) {
	b.Helper()
	if file == "" {
		return
	}
	content, err := json.MarshalIndent(r, "", "  ")
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(file, append(content, '\n'), 0o600))
}
