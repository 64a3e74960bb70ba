package schedule_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/schedule"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return moment
}

func parse(t *testing.T, expression, zone string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(expression, zone)
	require.NoError(t, err)
	return s
}

func TestAnExpressionOrAZoneThatMeansNothingIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ expression, zone, want string }{
		"too few fields":              {"0 3 * *", "", "expected exactly 5 fields"},
		"an hour that there is not":   {"0 24 * * *", "", "above maximum"},
		"a step of zero":              {"*/0 * * * *", "", "step of range should be a positive number"},
		"a day that never comes":      {"0 0 30 2 *", "", "never comes"},
		"a zone that there is not":    {"0 3 * * *", "Europe/Atlantis", "not in the IANA database"},
		"a path for a zone":           {"0 3 * * *", "../../etc/passwd", "not in the IANA database"},
		"the manager's own zone":      {"0 3 * * *", "Local", "name one of the IANA database"},
		"a zone inside an expression": {"TZ=Asia/Tokyo 0 3 * * *", "", "name one of the IANA database"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := schedule.Parse(c.expression, c.zone)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestTheNextRunIsInTheSchedulesZone(t *testing.T) {
	for name, c := range map[string]struct{ expression, zone, after, want string }{
		"utc":                                     {"0 3 * * *", "", "2026-11-21T12:00:00Z", "2026-11-22T03:00:00Z"},
		"a zone without changes":                  {"0 3 * * *", "Asia/Shanghai", "2026-11-21T12:00:00Z", "2026-11-21T19:00:00Z"},
		"the hour that is left out: at its end":   {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		"the day after it is as always":           {"30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		"every hour: none is left out":            {"0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
		"every hour: nor twice":                   {"0 * * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
		"the hour that comes twice: the first":    {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		"the hour that comes twice: the second":   {"30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		"a yearly run passes changes unharmed":    {"@yearly", "Europe/Berlin", "2026-01-01T12:00:00Z", "2026-12-31T23:00:00Z"},
		"a gap on a day that is not the schedule": {"30 2 1 * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-04-01T00:30:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, at(t, c.want), parse(t, c.expression, c.zone).Next(at(t, c.after)))
		})
	}
}

func TestWhatIsDue(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		last, now string
		delay     time.Duration
		want      string
	}{
		"nothing before its time":             {last: "2026-11-20T03:00:00Z", now: "2026-11-21T02:59:59Z"},
		"on time":                             {last: "2026-11-20T03:00:00Z", now: "2026-11-21T03:00:00Z", want: "2026-11-21T03:00:00Z"},
		"not before its turn in the window":   {last: "2026-11-20T03:00:00Z", now: "2026-11-21T03:09:59Z", delay: 10 * time.Minute},
		"at its turn in the window":           {last: "2026-11-20T03:00:00Z", now: "2026-11-21T03:10:00Z", delay: 10 * time.Minute, want: "2026-11-21T03:00:00Z"},
		"not twice":                           {last: "2026-11-21T03:00:00Z", now: "2026-11-21T03:00:01Z"},
		"after a week away: the newest, once": {last: "2026-11-14T03:00:00Z", now: "2026-11-21T12:00:00Z", want: "2026-11-21T03:00:00Z"},
		"nothing after the deadline":          {last: "2026-11-14T03:00:00Z", now: "2026-11-23T02:00:00Z", delay: 0, want: "2026-11-22T03:00:00Z"},
		"clocks may differ a little":          {last: "2026-11-21T03:00:00Z", now: "2026-11-21T02:56:00Z"},
		"one that is ahead is not waited for": {last: "2027-12-26T03:00:00Z", now: "2026-11-19T03:01:00Z", want: "2026-11-19T03:00:00Z"},
		"nor what it may stand for caught up": {last: "2027-12-26T03:00:00Z", now: "2026-11-19T12:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := parse(t, "0 3 * * *", "").Due(at(t, c.last), at(t, c.now), c.delay, day)
			assert.Equal(t, c.want != "", ok)
			if ok {
				assert.Equal(t, at(t, c.want), got)
			}
		})
	}
	_, ok := parse(t, "0 3 * * *", "").Due(at(t, "2026-11-14T03:00:00Z"), at(t, "2026-11-21T12:00:00Z"), 0, time.Hour)
	assert.False(t, ok, "the deadline has passed")
}

func TestRunsAreSpreadEvenlyAndEachAlwaysTheSame(t *testing.T) {
	const window, schedules = 15 * time.Minute, 3000
	early := 0
	for i := range schedules {
		name := "nightly-" + time.Duration(i).String()
		spread := schedule.Spread("crm-acme", name, window)
		require.Equal(t, spread, schedule.Spread("crm-acme", name, window))
		require.True(t, spread >= 0 && spread < window)
		if spread < window/3 {
			early++
		}
	}
	assert.InDelta(t, schedules/3, early, schedules/15)
	assert.Zero(t, schedule.Spread("crm-acme", "nightly", 0))
}
