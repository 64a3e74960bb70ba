package observe_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// The name for which httptest's certificate is good.
const host = "example.com"

// asking starts an asker that trusts a server, and reaches it whatever it dials.
func asking(t *testing.T, server *httptest.Server, now func() time.Time) *observe.Certificates {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	c := observe.NewCertificates(func(context.Context) ([]byte, error) { return ca, nil },
		func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		}, now)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- c.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-stopped)
	})
	return c
}

func TestAnAnswerBringsTheEnvironmentBackAndIsToldThen(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	c := asking(t, server, time.Now)
	env := build.Environment("acme", "prod")
	env.UID = "1"

	assert.Nil(t, c.Expires(env, host, nil, time.Hour), "it is only asked")
	select {
	case e := <-c.Answered():
		assert.Equal(t, types.NamespacedName{Namespace: env.Namespace, Name: env.Name}, types.NamespacedName{Namespace: e.Object.GetNamespace(), Name: e.Object.GetName()})
	case <-time.After(time.Minute):
		t.Fatal("no answer")
	}
	expires := c.Expires(env, host, nil, time.Hour)
	require.NotNil(t, expires)
	assert.Equal(t, server.Certificate().NotAfter, *expires)

	c.Forget(env.UID)
	assert.Nil(t, c.Expires(env, host, expires, time.Hour), "of an environment that is gone nothing is known")
}

func TestAnApplicationThatDoesNotAnswerYetIsAskedAgainByItself(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	var tried atomic.Int32
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	c := observe.NewCertificates(func(context.Context) ([]byte, error) { return ca, nil },
		func(ctx context.Context, network, _ string) (net.Conn, error) {
			if tried.Add(1) == 1 {
				return nil, errors.New("connection refused")
			}
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		}, time.Now)
	go c.Start(t.Context()) //nolint:errcheck // it ends with the test
	env := build.Environment("acme", "prod")
	env.UID = "1"
	for asked := 0; c.Expires(env, host, nil, time.Hour) == nil; asked++ { // As a pass does.
		require.Less(t, asked, 3, "it is brought back only when there is something to do")
		select {
		case <-c.Answered():
		case <-time.After(time.Minute):
			t.Fatal("nobody brings it back")
		}
	}
	assert.EqualValues(t, 2, tried.Load())
}

func TestAnAnswerThatIsNoNewsBringsNothingBack(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	shaken := make(chan struct{}, 1)
	server.StartTLS()
	defer server.Close()
	server.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		shaken <- struct{}{}
		return nil, nil
	}
	c := asking(t, server, time.Now)
	env := build.Environment("acme", "prod")
	env.UID = "1"
	known := server.Certificate().NotAfter
	assert.Nil(t, c.Expires(env, host, &known, time.Hour))
	<-shaken
	other := build.Environment("acme", "test")
	other.UID = "2"
	assert.Nil(t, c.Expires(other, host, nil, time.Hour))
	assert.Equal(t, other.Name, (<-c.Answered()).Object.GetName(), "the one of which there is news")
}

func TestApplicationsThatDoNotAnswerKeepNobodyWaiting(t *testing.T) {
	hangs := make(chan struct{})
	defer close(hangs)
	c := observe.NewCertificates(func(context.Context) ([]byte, error) { return nil, nil },
		func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-hangs
			return nil, ctx.Err()
		}, time.Now)
	go c.Start(t.Context()) //nolint:errcheck // it ends with the test
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for i := range 5000 { // More than fit.
			env := build.Environment("acme", "prod")
			env.UID = types.UID(rune(i))
			c.Expires(env, host, nil, time.Hour)
		}
	}()
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Fatal("somebody waits")
	}
}

func TestAnApplicationIsAskedAgainWhenItsTimeHasCome(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	shaken := make(chan struct{}, 10)
	server.StartTLS()
	defer server.Close()
	server.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		shaken <- struct{}{}
		return nil, nil
	}
	now := make(chan time.Time, 1)
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	now <- at
	c := asking(t, server, func() time.Time {
		read := <-now
		now <- read
		return read
	})
	set := func(to time.Time) {
		<-now
		now <- to
	}
	env := build.Environment("acme", "prod")
	env.UID = "1"
	known := server.Certificate().NotAfter
	for _, step := range []struct {
		after time.Duration
		asked bool
	}{{0, true}, {time.Minute, false}, {11 * time.Minute, true}} {
		set(at.Add(step.after))
		c.Expires(env, host, &known, time.Hour)
		if step.asked {
			<-shaken
		}
	}
	assert.Empty(t, shaken)
}
