// Package clock is the manager's sense of time. The moments that it compares with, such as when an object was made or deleted, were written
// by the API server, so that is whose clock counts when the two disagree.
package clock

import (
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Tolerance is by how much two clocks may differ before it matters. It is far more than a round trip and far less than any period that
// can be declared for keeping data.
const Tolerance = 5 * time.Minute

// IsAhead tells whether a moment that was written down is later than now by more than clocks may differ: one that wrote it was wrong, or the
// one that tells now is.
func IsAhead(at, now time.Time) bool { return at.Sub(now) > Tolerance }

// lookAgain is how long to wait before two clocks that disagree are compared again.
const lookAgain = time.Minute

// Clock compares the clock of this machine with the API server's, which tells the time with every answer. In between the monotonic clock
// counts, so a step of this machine's clock shows at once. The zero Clock knows of no API server; its methods are safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	// server is what the API server's clock said at local.
	server, local time.Time
}

// Follow has the clock read the answers that clients of the configuration get.
func (c *Clock) Follow(config *rest.Config) {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &reader{clock: c, next: next} })
}

// Now is the time by this machine's clock, or by the API server's when they disagree. Then it has no monotonic reading, so that
// comparisons with what was taken before a step are by the wall clock on both sides.
func (c *Clock) Now() time.Time {
	now := time.Now()
	if ahead := c.ahead(now); ahead.Abs() > Tolerance {
		return now.Add(-ahead).Round(0)
	}
	return now
}

// Agree waits while the two clocks disagree. What destroys data because its time has come asks first: one of them is wrong, and not to
// destroy can be made good.
func (c *Clock) Agree() error {
	ahead := c.ahead(time.Now())
	if ahead.Abs() <= Tolerance {
		return nil
	}
	how := "ahead of"
	if ahead < 0 {
		how = "behind"
	}
	return outcome.Wait(v1alpha1.ReasonClockSkewed, lookAgain,
		"the time has come by the API server's clock, but the clock of the manager's node is %s it; nothing is destroyed until they agree: set the one that is wrong", how)
}

// ahead is by how much this machine's clock is ahead of the API server's.
func (c *Clock) ahead(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.IsZero() {
		return 0
	}
	return now.Round(0).Sub(c.server.Add(now.Sub(c.local)))
}

func (c *Clock) read(date string) {
	server, err := http.ParseTime(date)
	if err != nil {
		return // Something in between has answered, which says nothing of the API server's clock.
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server, c.local = server, time.Now()
}

// reader reads the clock of every answer that passes.
type reader struct {
	clock *Clock
	next  http.RoundTripper
}

func (r *reader) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(request)
	if err == nil {
		r.clock.read(response.Header.Get("Date"))
	}
	return response, err
}

// WrappedRoundTripper lets client-go find what is below.
func (r *reader) WrappedRoundTripper() http.RoundTripper { return r.next }
