package clock_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// answered is a clock that follows an API server which has answered with these dates.
func answered(t *testing.T, dates ...string) *clock.Clock {
	t.Helper()
	var date string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = []string{date} }))
	t.Cleanup(server.Close)
	c, config := &clock.Clock{}, &rest.Config{Host: server.URL}
	c.Follow(config)
	client, err := rest.HTTPClientFor(config)
	require.NoError(t, err)
	for _, date = range dates {
		response, err := client.Get(server.URL)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	return c
}

func in(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }

func TestTheAPIServersClockCountsWhenTheTwoDisagree(t *testing.T) {
	const days = 24 * time.Hour
	for sentence, test := range map[string]struct {
		dates []string
		// by is how far what counts is from this machine's clock.
		by      time.Duration
		message string
	}{
		"without an API server there is one clock": {},
		"a small difference does not matter":       {dates: []string{in(4 * time.Minute)}},
		"the manager is ahead":                     {dates: []string{in(-400 * days)}, by: -400 * days, message: "is ahead of it"},
		"the manager is behind":                    {dates: []string{in(10 * time.Minute)}, by: 10 * time.Minute, message: "is behind it"},
		"the newest answer counts":                 {dates: []string{in(400 * days), in(0)}},
		"an answer without a date says nothing":    {dates: []string{in(days), "", "yesterday"}, by: days, message: "is behind it"},
	} {
		t.Run(sentence, func(t *testing.T) {
			c := answered(t, test.dates...)
			assert.WithinDuration(t, time.Now().Add(test.by), c.Now(), 5*time.Second)
			err := c.Agree()
			if test.message == "" {
				assert.NoError(t, err)
				return
			}
			w, ok := outcome.AsWaiting(err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, v1alpha1.ReasonClockSkewed, w.Reason)
			assert.Contains(t, w.Message, test.message)
			assert.Equal(t, time.Minute, w.After, "no watch tells when a clock is set")
		})
	}
}

// What was remembered before a step is compared with what is now after it.
func TestAMomentBeforeADisagreementIsComparedByTheWallClock(t *testing.T) {
	before := time.Now()
	c := answered(t, in(400*24*time.Hour))
	assert.InDelta(t, (400 * 24 * time.Hour).Seconds(), c.Now().Sub(before).Seconds(), 5)
}
