// Package bench measures what the agent costs. Its benchmarks compare: all sides take turns in one run, on one server, so that
// what else the machine does weighs on all.
package bench

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
)

// Environment variables of the benchmark.
const (
	// roundsEnv is how many rounds are counted; one more comes first and warms up. Default 8.
	roundsEnv = "BENCH_ROUNDS"
	// secondsEnv is how long pgbench runs for one measurement. Default 1.
	secondsEnv = "BENCH_SECONDS"
	// resultEnv is a file for the results, JSON. Default: none.
	resultEnv = "BENCH_RESULT"
	// profileEnv is a file for the CPU profile of the agent. Default: none.
	profileEnv = "BENCH_PROFILE"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == agentArgument {
		os.Exit(runAgent(os.Args[2:]))
	}
	agenttest.Main(m)
}

// BenchmarkDatabaseConnection compares programs of Postgres that connect through the agent with ones that speak mutual TLS to the
// server by themselves. It runs once, whatever -benchtime says: its rounds are its own.
func BenchmarkDatabaseConnection(b *testing.B) {
	rounds, seconds := number(b, roundsEnv, 8), number(b, secondsEnv, 1)
	d := startDatabase(b)
	r := newReport(b, rounds, seconds)
	for _, l := range loads(b, d, seconds) {
		b.Run(l.String(), func(b *testing.B) {
			for b.Loop() {
				for _, c := range compare(b, d, l, rounds) {
					r.add(c)
					b.ReportMetric(c.Ratio.Median, c.End+"-ratio")
				}
			}
		})
	}
	r.print(os.Stdout)
	if file := os.Getenv(resultEnv); file != "" {
		require.NoError(b, r.write(file))
	}
}

// compare measures direct connections and both ends of the agent in turns.
func compare(b *testing.B, d *database, l load, rounds int) []comparison {
	b.Helper()
	ends := slices.Sorted(maps.Keys(d.proxied))
	var direct []float64
	agent, busy := map[string][]float64{}, map[string][]float64{}
	for round := range rounds + 1 {
		control := l.measure(b, d.direct)
		if round > 0 {
			direct = append(direct, control.rate())
		}
		for _, end := range ends {
			before := d.agent.cpuSeconds(b)
			m := l.measure(b, d.proxied[end])
			spent := d.agent.cpuSeconds(b) - before
			if round > 0 {
				agent[end], busy[end] = append(agent[end], m.rate()), append(busy[end], spent/m.amount)
			}
		}
	}
	var all []comparison
	for _, end := range ends {
		all = append(all, newComparison(l, end, direct, agent[end], busy[end]))
	}
	return all
}

func number(b *testing.B, variable string, otherwise int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(b, err, variable)
	require.Positive(b, n, variable)
	return n
}
