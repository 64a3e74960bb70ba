// Package faults proves that no moment of failure loses or sticks anything. A manager runs as a process of its own, behind proxies
// that count its writes, kill it and lie to it; the API server and Vault behind them are real. See docs/explanation/faults.md.
package faults

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crmkeep/crmkeep/internal/testing/operator"
)

// full tries every point instead of a sample.
var full = flag.Bool("full", false, "kill the manager at every write of its life cycle, instead of at a sample that differs from day to day")

// part of the kills that this process tries, so that several processes can share a full run.
var part = flag.String("part", "1/1", "try `I/N` of the kills of a full run: every N-th life, beginning with the I-th")

// stages that a manager is killed in.
var stages = flag.String("stage", "", "kill the manager in the stages of these `names` only, separated by commas; the others pass undisturbed")

// folder of the manager's binary.
var folder string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if folder, err = os.MkdirTemp("", "crmkeep-faults-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// binary builds crmkeep as it is shipped, once.
var binary = sync.OnceValues(func() (string, error) {
	file := filepath.Join(folder, "crmkeep")
	return file, operator.Build(file)
})

// sample gives some of n points: all of them in the full form, else as many as are wanted, spread out, others from day to day.
func sample(n, wanted int) []int {
	if *full || wanted >= n {
		wanted = n
	}
	day := time.Now().YearDay()
	points := make([]int, wanted)
	for i := range points {
		points[i] = (i*n/wanted + day) % n
	}
	return points
}

// ofPart gives those of the points that are this process's.
func ofPart(points []int) (mine []int, err error) {
	var i, n int
	if _, err := fmt.Sscanf(*part, "%d/%d", &i, &n); err != nil || i < 1 || i > n {
		return nil, fmt.Errorf("-part: %q is not I/N with 1 <= I <= N", *part)
	}
	for at, point := range points {
		if at%n == i-1 {
			mine = append(mine, point)
		}
	}
	return mine, nil
}

// chosen tells which stages of a life have the kills.
func chosen() (func(stage) bool, error) {
	if *stages == "" {
		return func(stage) bool { return true }, nil
	}
	names := strings.Split(*stages, ",")
	for _, name := range names {
		if !slices.ContainsFunc(lifecycle, func(s stage) bool { return s.name == name }) {
			return nil, fmt.Errorf("-stage: no stage is called %q; the log of an undisturbed life names all", name)
		}
	}
	return func(s stage) bool { return slices.Contains(names, s.name) }, nil
}
