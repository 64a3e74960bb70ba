package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Retention says how many backups are kept: the newest of each of so many hours, days and so on. Weeks are those of ISO 8601.
type Retention struct {
	Last, Hourly, Daily, Weekly, Monthly, Yearly int
}

// Backup is what retention knows of one.
type Backup struct {
	Name string
	At   time.Time
	// Locations that hold it.
	Locations []string
	// Proven tells whether it was restored in a drill.
	Proven bool
}

// Forget names the backups that no rule keeps, oldest first. Each location is looked at by itself, so one that failed lately does not lose
// what it has. The newest of a location and the one that was last proven stay in any case.
func (r Retention) Forget(backups []Backup, zone *time.Location) []string {
	sorted := slices.Clone(backups)
	slices.SortFunc(sorted, func(a, b Backup) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Name, b.Name)) })
	kept := map[string]bool{}
	for _, location := range locationsOf(sorted) {
		r.keep(slices.DeleteFunc(slices.Clone(sorted), func(b Backup) bool { return !slices.Contains(b.Locations, location) }), zone, kept)
	}
	if i := slices.IndexFunc(sorted, func(b Backup) bool { return b.Proven }); i >= 0 {
		kept[sorted[i].Name] = true
	}
	var forget []string
	for _, b := range slices.Backward(sorted) {
		if !kept[b.Name] && len(b.Locations) > 0 {
			forget = append(forget, b.Name)
		}
	}
	return forget
}

// keep marks what the rules keep of one location's backups, newest first.
func (r Retention) keep(backups []Backup, zone *time.Location, kept map[string]bool) {
	rules := []struct {
		count  int
		period func(i int, at time.Time) string
	}{
		{max(r.Last, 1), func(i int, _ time.Time) string { return fmt.Sprint(i) }},
		{r.Hourly, func(_ int, at time.Time) string { return at.Format("2006-01-02 15 -0700") }},
		{r.Daily, func(_ int, at time.Time) string { return at.Format(time.DateOnly) }},
		{r.Weekly, func(_ int, at time.Time) string {
			year, week := at.ISOWeek()
			return fmt.Sprint(year, "-", week)
		}},
		{r.Monthly, func(_ int, at time.Time) string { return at.Format("2006-01") }},
		{r.Yearly, func(_ int, at time.Time) string { return at.Format("2006") }},
	}
	for _, rule := range rules {
		seen := map[string]bool{}
		for i, b := range backups {
			period := rule.period(i, b.At.In(zone))
			if len(seen) < rule.count && !seen[period] {
				seen[period], kept[b.Name] = true, true
			}
		}
	}
}

func locationsOf(backups []Backup) []string {
	var all []string
	for _, b := range backups {
		all = append(all, b.Locations...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
