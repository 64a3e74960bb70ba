// Package backup measures `crmkeep backup` beside `pg_dump | restic` typed by hand, and `crmkeep restore` beside `restic dump | psql`: the
// same server, the same data, the same object store, in turns.
package backup

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/backuptest"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/restore"
	"github.com/crmkeep/crmkeep/internal/backup/run"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

// Environment variables of the benchmark.
const (
	// bytesEnv is about how large the database is as a dump, in bytes. Default 1 GiB.
	bytesEnv = "BENCH_BYTES"
	// filesEnv is how much is in files, in bytes. Default 200 MiB.
	filesEnv = "BENCH_FILES"
	// roundsEnv is how often each side makes a first backup, and restores it. Default 3.
	roundsEnv = "BENCH_ROUNDS"
	// resultEnv is a file for the results, JSON. Default: none.
	resultEnv = "BENCH_RESULT"
)

func TestMain(m *testing.M) { backuptest.Main(m, newCommand) }

func newCommand() *cobra.Command {
	root := &cobra.Command{Use: "crmkeep"}
	root.AddCommand(run.NewCommand(), restore.NewCommand())
	return root
}

// BenchmarkBackup runs once, whatever -benchtime says: its rounds are its own.
func BenchmarkBackup(b *testing.B) {
	s3test.Restic(b)
	w := backuptest.New(b)
	server, location := w.Location(b, "bench")
	fill(b, w, number(b, bytesEnv, 1<<30), number(b, filesEnv, 200<<20))
	s := &sides{World: w, server: server, location: location}
	r := &report{Load: load(b)}
	rounds := number(b, roundsEnv, 3)
	var byHand, byCrmkeep config.Location
	inTurns(rounds,
		func() { byHand = s.newRepository(); r.Hand = append(r.Hand, s.byHand(b, byHand)) },
		func() { byCrmkeep = s.newRepository(); r.Crmkeep = append(r.Crmkeep, s.backup(b, byCrmkeep, "first")) })
	inTurns(rounds,
		func() { r.HandRestore = append(r.HandRestore, s.restoreByHand(b, byHand, r.Hand[0].Bytes)) },
		func() {
			r.CrmkeepRestore = append(r.CrmkeepRestore, s.restore(b, byCrmkeep, r.Crmkeep[len(r.Crmkeep)-1]))
		})
	for _, change := range changes {
		repository := s.newRepository()
		first := s.backup(b, repository, "first")
		w.Database.Execute(b, change.sql, "vacuum analyze")
		r.Changed = append(r.Changed, changed{Change: change.name, First: first, Second: s.backup(b, repository, "second")})
	}
	r.print(b)
	r.write(b, os.Getenv(resultEnv))
}

// inTurns lets two sides take turns, so that neither always comes first.
func inTurns(rounds int64, turns ...func()) {
	for range rounds {
		for _, turn := range turns {
			turn()
		}
		slices.Reverse(turns)
	}
}

// number of an environment variable.
func number(b *testing.B, name string, otherwise int64) int64 {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(b, err, name)
	return n
}

// measured is one backup, or one restore of it.
type measured struct {
	Seconds float64 `json:"seconds"`
	// Bytes that were read: the dump and the files. Added is what the repository grew by.
	Bytes int64 `json:"bytes"`
	Added int64 `json:"added"`
	// CPU seconds of all processes of the side; those of the database's server and of the object store are not among them.
	CPU float64 `json:"cpu"`
	// Peak is the most memory that all processes of the side had at a time, in bytes.
	Peak int64 `json:"peak,omitempty"`
	// Stages of crmkeep, in seconds.
	Stages map[string]float64 `json:"stages,omitempty"`

	// digest of the manifest of a backup.
	digest string
}

func (m measured) rate() float64 { return float64(m.Bytes) / (1 << 20) / m.Seconds }
