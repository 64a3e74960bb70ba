package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/schedule"
)

// daily backups of so many days, newest last, to locations.
func daily(days int, locations ...string) []schedule.Backup {
	var list []schedule.Backup
	start := time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)
	for i := range days {
		moment := start.AddDate(0, 0, i)
		list = append(list, schedule.Backup{Name: moment.Format("0102"), At: moment, Locations: locations})
	}
	return list
}

func kept(all []schedule.Backup, forget []string) []string {
	var names []string
	for _, b := range all {
		if !slices.Contains(forget, b.Name) {
			names = append(names, b.Name)
		}
	}
	return names
}

func TestWhatRetentionKeeps(t *testing.T) {
	for name, c := range map[string]struct {
		retention schedule.Retention
		want      []string
	}{
		"the last":                         {schedule.Retention{Last: 3}, []string{"0226", "0227", "0228"}},
		"days":                             {schedule.Retention{Daily: 2}, []string{"0227", "0228"}},
		"weeks, each with its newest":      {schedule.Retention{Weekly: 3}, []string{"0215", "0222", "0228"}},
		"months, each with its newest":     {schedule.Retention{Monthly: 12}, []string{"0131", "0228"}},
		"years":                            {schedule.Retention{Yearly: 1}, []string{"0228"}},
		"no rule at all: still the newest": {schedule.Retention{}, []string{"0228"}},
		"rules together":                   {schedule.Retention{Daily: 2, Monthly: 2}, []string{"0131", "0227", "0228"}},
	} {
		t.Run(name, func(t *testing.T) {
			all := daily(59, "here")
			assert.Equal(t, c.want, kept(all, c.retention.Forget(all, time.UTC)))
		})
	}
}

func TestADayIsTheSchedulesDay(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	all := []schedule.Backup{
		{Name: "evening", At: time.Date(2026, 1, 1, 15, 0, 0, 0, time.UTC), Locations: []string{"here"}},
		{Name: "night", At: time.Date(2026, 1, 1, 17, 0, 0, 0, time.UTC), Locations: []string{"here"}},
	}
	assert.Equal(t, []string{"evening"}, schedule.Retention{Daily: 2}.Forget(all, time.UTC))
	assert.Empty(t, schedule.Retention{Daily: 2}.Forget(all, shanghai))
}

func TestALocationThatFailsKeepsWhatItHas(t *testing.T) {
	all := daily(10, "here", "there")
	for i := 4; i < len(all); i++ {
		all[i].Locations = []string{"here"}
	}
	assert.Equal(t, []string{"0103", "0104", "0109", "0110"}, kept(all, schedule.Retention{Last: 2}.Forget(all, time.UTC)))
}

func TestTheLastProvenBackupIsNeverForgotten(t *testing.T) {
	all := daily(10, "here")
	all[1].Proven, all[4].Proven = true, true
	assert.Equal(t, []string{"0105", "0110"}, kept(all, schedule.Retention{Last: 1}.Forget(all, time.UTC)))
}

// Whatever is declared and whatever is there: the newest of every location and the last proven stay, no rule gives up more than it says,
// what was forgotten once is not missed by the next look, and what holds nothing is nobody's to forget.
func TestRetentionHoldsItsPromises(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		all := randomBackups(random)
		r := schedule.Retention{
			Last: random.IntN(4), Hourly: random.IntN(4), Daily: random.IntN(8), Weekly: random.IntN(6), Monthly: random.IntN(4), Yearly: random.IntN(3)}
		forget := r.Forget(all, time.UTC)
		newest, proven := map[string]schedule.Backup{}, schedule.Backup{}
		var left []schedule.Backup
		for _, b := range all {
			for _, l := range b.Locations {
				if b.At.After(newest[l].At) {
					newest[l] = b
				}
			}
			if b.Proven && b.At.After(proven.At) {
				proven = b
			}
			if !slices.Contains(forget, b.Name) {
				left = append(left, b)
			}
		}
		for location, b := range newest {
			require.NotContains(t, forget, b.Name, "seed %d: the newest in %s", seed, location)
		}
		require.NotContains(t, forget, proven.Name, "seed %d: the last proven", seed)
		require.GreaterOrEqual(t, len(left), min(len(all), max(r.Last, r.Daily/8)), "seed %d", seed)
		require.Empty(t, r.Forget(left, time.UTC), "seed %d: a second look forgets nothing", seed)
		slices.Reverse(all)
		require.Equal(t, forget, r.Forget(all, time.UTC), "seed %d: the order does not matter", seed)
	}
}

func randomBackups(random *rand.Rand) []schedule.Backup {
	var all []schedule.Backup
	for i := range random.IntN(80) {
		b := schedule.Backup{
			Name: fmt.Sprintf("b%03d", i), Proven: random.IntN(20) == 0,
			At: time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC).Add(time.Duration(random.IntN(20000)) * time.Hour),
		}
		for _, l := range []string{"here", "there"} {
			if random.IntN(10) > 1 {
				b.Locations = append(b.Locations, l)
			}
		}
		all = append(all, b)
	}
	return all
}
