package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
)

// scale of pgbench's tables, and how many accounts that is: 97 MB as text.
const (
	scale    = "10"
	accounts = 1_000_000
)

// load is work for a number of clients at once.
type load struct {
	name    string
	clients int
	// unit of the amount of work.
	unit    string
	measure func(b *testing.B, through connection) measurement
}

func (l load) String() string {
	return fmt.Sprintf("%s/%d", strings.ReplaceAll(l.name, " ", "-"), l.clients)
}

// measurement is how much work was done in how long.
type measurement struct {
	amount  float64
	seconds float64
}

func (m measurement) rate() float64 { return m.amount / m.seconds }

// loads fills the database and gives what is measured.
func loads(b *testing.B, d *database, seconds int) []load {
	b.Helper()
	dir := b.TempDir()
	execute(b, d.direct, "", "pgbench", "-i", "-q", "-s", scale)
	large := filepath.Join(dir, "large.sql")
	require.NoError(b, os.WriteFile(large, []byte("select * from pgbench_accounts limit 20000;\n"), 0o600))

	var all []load
	for _, clients := range []int{1, 8} {
		// Eight clients copy twice as much as one does, altogether.
		query := fmt.Sprintf("copy (select * from pgbench_accounts where aid <= %d) to stdout", accounts/max(1, clients/2))
		rows := filepath.Join(dir, fmt.Sprintf("rows-%d", clients))
		text := execute(b, d.direct, "", "psql", "-qXc", query)
		require.NoError(b, os.WriteFile(rows, text, 0o600))
		pgbench := func(name string, args ...string) load {
			args = append([]string{"-n", "-c", strconv.Itoa(clients), "-T", strconv.Itoa(seconds)}, args...)
			return load{name: name, clients: clients, unit: "transaction", measure: func(b *testing.B, through connection) measurement {
				return measured(b, execute(b, through, "", "pgbench", args...))
			}}
		}
		copying := func(name, input string, args ...string) load {
			args = append([]string{"-qX"}, args...)
			return load{name: name, clients: clients, unit: "MB", measure: func(b *testing.B, through connection) measurement {
				return parallel(clients, float64(len(text))/1e6, func() { execute(b, through, input, "psql", args...) })
			}}
		}
		all = append(all,
			pgbench("select-only", "-S"),
			pgbench("tpcb-like"),
			pgbench("2 MB result", "-f", large),
			copying("COPY out", "", "-o", os.DevNull, "-c", query),
			copying("COPY in", rows, "-c", "create temp table sink (like pgbench_accounts)", "-c", "copy sink from stdin"),
			pgbench("new connection each", "-S", "-C"),
		)
	}
	return all
}

// parallel does a job that moves an amount once per client, at the same time.
func parallel(clients int, amount float64, job func()) measurement {
	var all sync.WaitGroup
	began := time.Now()
	for range clients {
		all.Go(job)
	}
	all.Wait()
	return measurement{amount: amount * float64(clients), seconds: time.Since(began).Seconds()}
}

var (
	processed = regexp.MustCompile(`transactions actually processed: (\d+)`)
	perSecond = regexp.MustCompile(`tps = ([0-9.]+)`)
)

// measured reads what pgbench says. Its rate leaves out the time of the first connection.
func measured(b *testing.B, output []byte) measurement {
	b.Helper()
	find := func(pattern *regexp.Regexp) float64 {
		match := pattern.FindSubmatch(output)
		require.NotNil(b, match, "%s", output)
		n, err := strconv.ParseFloat(string(match[1]), 64)
		require.NoError(b, err)
		return n
	}
	amount := find(processed)
	require.Positive(b, amount, "nothing was done in the time given: the machine is too busy, or %s too small", secondsEnv)
	return measurement{amount: amount, seconds: amount / find(perSecond)}
}

// execute runs a program of Postgres and gives what it prints. input is a file for it to read, if any.
func execute(b *testing.B, through connection, input, name string, args ...string) []byte {
	b.Helper()
	command := exec.CommandContext(b.Context(), agenttest.Program(name), args...)
	var output, complaints bytes.Buffer
	command.Env, command.Stdout, command.Stderr = through, &output, &complaints
	if input != "" {
		file, err := os.Open(input)
		if err != nil {
			b.Error(err)
			return nil
		}
		defer file.Close() //nolint:errcheck // only read from
		command.Stdin = file
	}
	if err := command.Run(); err != nil {
		b.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &complaints)
	}
	return output.Bytes()
}
