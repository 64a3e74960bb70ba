// Package roles measures how fast role policies get to CRMs: the adapter for Tryton with a real one, and both the adapter and the operator's
// controller of access with many of which all but one are simulated.
package roles

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

// Environment variables of the benchmark.
const (
	// rolesEnv is how many roles the policy has. Default 20.
	rolesEnv = "BENCH_ROLES"
	// peopleEnv is how many people hold them. Default 500.
	peopleEnv = "BENCH_PEOPLE"
	// crmsEnv is how many CRMs somebody leaves at once. Default 200.
	crmsEnv = "BENCH_CRMS"
	// resultEnv is a file for the results, JSON. Default: none.
	resultEnv = "BENCH_RESULT"
)

var server *trytontest.Server

func TestMain(m *testing.M) {
	trytontest.Main(m, func(s *trytontest.Server) { server = s })
}

// BenchmarkRoles runs once, whatever -benchtime says.
func BenchmarkRoles(b *testing.B) {
	r := run(b, size{Roles: number(b, rolesEnv, 20), People: number(b, peopleEnv, 500), CRMs: number(b, crmsEnv, 200)})
	r.print()
	r.write(b, os.Getenv(resultEnv))
}

// TestAFewPeopleCostAsFewCallsAsMany is the short form: it counts calls, sees that who leaves is out, and leaves the clock alone.
func TestAFewPeopleCostAsFewCallsAsMany(t *testing.T) {
	r := run(t, size{Roles: 3, People: 12, CRMs: 8})
	for _, m := range r.Measured {
		if m.MostCalls > 0 {
			assert.LessOrEqual(t, m.Calls, m.MostCalls, m.What)
		}
	}
}

// run measures everything.
func run(t testing.TB, of size) *report {
	r := &report{Size: of, LoadBefore: load(t)}
	w := newWorld(t, of)
	r.Measured = append(r.Measured, w.firstApplication(t)...)
	r.Measured = append(r.Measured, w.changes(t)...)
	r.Measured = append(r.Measured, w.leaver(t))
	r.Measured = append(r.Measured, w.leaverOfManager(t)...)
	r.LoadAfter = load(t)
	return r
}

// number of an environment variable.
func number(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}
