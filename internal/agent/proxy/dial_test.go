package proxy

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// swallowed is an attempt whose packets nobody answers.
func swallowed(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
}

func fails(err error) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err} }
}

func TestAConnectionThatIsSwallowedIsTriedAnewWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, tries := time.Now(), 0
		here, there := net.Pipe()
		defer there.Close() //nolint:errcheck // the test is over
		conn, err := attempts(t.Context(), func(ctx context.Context) (net.Conn, error) {
			if tries++; tries == 1 {
				return swallowed(ctx)
			}
			return here, nil
		})
		require.NoError(t, err)
		defer conn.Close() //nolint:errcheck // the test is over
		assert.Equal(t, firstAttempt, time.Since(began))
	})
}

func TestAttemptsToConnectEnd(t *testing.T) {
	for sentence, test := range map[string]struct {
		connect     func(context.Context) (net.Conn, error)
		want        error
		tries       int
		after, left time.Duration
	}{
		"with the time for setting up":   {connect: swallowed, want: context.DeadlineExceeded, tries: 3, after: setupTimeout, left: time.Hour},
		"with whom they are made for":    {connect: swallowed, want: context.Canceled, tries: 2, after: 3 * time.Second, left: 3 * time.Second},
		"with an answer that refuses it": {connect: fails(syscall.ECONNREFUSED), want: syscall.ECONNREFUSED, tries: 1, left: time.Hour},
		// Go counts it as a timeout, though it comes at once: trying anew would only keep a processor busy.
		"with a machine that has no room": {connect: fails(syscall.EAGAIN), want: syscall.EAGAIN, tries: 1, left: time.Hour},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer time.AfterFunc(test.left, cancel).Stop()
				defer cancel()
				began, tries := time.Now(), 0
				_, err := attempts(ctx, func(ctx context.Context) (net.Conn, error) {
					tries++
					return test.connect(ctx)
				})
				assert.True(t, errors.Is(err, test.want), "%v", err)
				assert.Equal(t, test.tries, tries)
				assert.Equal(t, test.after, time.Since(began))
			})
		})
	}
}
