// Package schedule says when backups are due and which are kept. It is pure: the time comes in as a value.
package schedule

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
	// Time zones do not depend on what the image has.
	_ "time/tzdata"

	"github.com/robfig/cron/v3"

	"github.com/crmkeep/crmkeep/internal/clock"
)

// Schedule is a cron expression in a time zone. A run that falls into the hour that a change to summer time leaves out happens at the end of
// that hour; one in the hour that comes twice happens twice.
type Schedule struct {
	spec cron.Schedule
	zone *time.Location
}

// Parse reads a cron expression of five fields or one such as "@daily", and the name of a time zone; empty is UTC. An expression that
// never comes, such as the 30th of February, is an error too.
func Parse(expression, zone string) (Schedule, error) {
	if strings.Contains(expression, "TZ=") || zone == "Local" {
		return Schedule{}, fmt.Errorf("time zone %q: name one of the IANA database, such as Europe/Berlin", zone)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return Schedule{}, fmt.Errorf("time zone %q is not in the IANA database", zone)
	}
	spec, err := cron.ParseStandard(expression)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", expression, err)
	}
	s := Schedule{spec: spec, zone: location}
	// The library looks five years ahead; a leap day may be eight away, and is not what a backup is made for.
	if spec.Next(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, fmt.Errorf("schedule %q never comes", expression)
	}
	return s, nil
}

// Zone that the schedule is in.
func (s Schedule) Zone() *time.Location { return s.zone }

// Next is the first run after a time.
func (s Schedule) Next(after time.Time) time.Time {
	next := s.spec.Next(after.In(s.zone))
	for at := after.In(s.zone); ; {
		_, change := at.ZoneBounds()
		if change.IsZero() || next.IsZero() || !change.Before(next) {
			return next.UTC()
		}
		if change.After(after) && s.inGap(change) {
			return change.UTC()
		}
		at = change
	}
}

// inGap tells whether a run falls into what the change of the zone's offset leaves out of the clock.
func (s Schedule) inGap(change time.Time) bool {
	_, before := change.Add(-time.Second).Zone()
	_, after := change.Zone()
	// What the clock would show at the change, had it gone on as before, as if it were a time in UTC: a zone without changes.
	wall := change.UTC().Add(time.Duration(before) * time.Second)
	left := time.Duration(after-before) * time.Second
	return left > 0 && s.spec.Next(wall.Add(-time.Second)).Before(wall.Add(left))
}

// Interval between the next two runs.
func (s Schedule) Interval(now time.Time) time.Duration {
	next := s.Next(now)
	return s.Next(next).Sub(next)
}

// Due is the newest run whose turn has come at now and that is later than the last one. The others that were missed meanwhile are not
// caught up, nor is one whose turn came longer ago than the deadline. Delay is how much later than scheduled the turn comes (see Spread).
// A last one that is ahead of now was written by a clock that was wrong, or is: it is not waited for, and nothing is caught up.
func (s Schedule) Due(last, now time.Time, delay, deadline time.Duration) (time.Time, bool) {
	ahead := clock.IsAhead(last, now)
	if ahead {
		deadline = min(deadline, clock.Tolerance)
	}
	from := now.Add(-delay - deadline)
	if last.After(from) && !ahead {
		from = last
	}
	var due time.Time
	for at := s.Next(from); !at.IsZero() && !at.Add(delay).After(now); at = s.Next(at) {
		due = at
	}
	return due, !due.IsZero()
}

// Spread is how much later than scheduled the runs of a schedule begin: always the same, and even over the window for all schedules.
func Spread(namespace, name string, window time.Duration) time.Duration {
	if window < time.Second {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(namespace + "/" + name))                           // It cannot fail.
	return time.Duration(h.Sum64()%uint64(window/time.Second)) * time.Second //nolint:gosec // both are bounded by the window
}

// Minute names the run of a time, "202611210300", in UTC: an hour that comes twice has two.
func Minute(at time.Time) string { return at.UTC().Format("200601021504") }

// readShares is in how many looks a repository is read back as a whole.
const readShares = 7

// ReadShare is the part of a repository that is read back on a day, "3/7": another one every day.
func ReadShare(now time.Time) string {
	day := now.Unix() / int64(24*time.Hour/time.Second)
	return fmt.Sprintf("%d/%d", day%readShares+1, readShares)
}
