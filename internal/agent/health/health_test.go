package health_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/health"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

func TestAProbeAsksTheApplicationAsTheClassSays(t *testing.T) {
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/broken", http.StatusFound)
		case r.URL.Path == "/rpc" && r.Method == http.MethodPost && string(body) == "ask" && r.Host == "crm.acme.example" && r.Header.Get("X-Probe") == "1":
			io.WriteString(w, `{"result":"private"}`) //nolint:errcheck // the test sees it
		case r.URL.Path == "/long":
			io.WriteString(w, strings.Repeat(" ", 64<<10)+"result") //nolint:errcheck // as above
		default:
			http.Error(w, "private", http.StatusInternalServerError)
		}
	}))
	defer application.Close()
	port := int32(application.Listener.Addr().(*net.TCPAddr).Port)
	rpc := config.HTTPProbe{
		Path: "/rpc", Method: "POST", Body: "ask", BodyContains: "result",
		Header: []config.Header{{Name: "Host", Value: "crm.acme.example"}, {Name: "X-Probe", Value: "1"}},
	}
	other := rpc
	other.BodyContains = "absent"

	for name, test := range map[string]struct {
		probe config.HTTPProbe
		want  string
	}{
		"method, header and body are sent":   {probe: rpc},
		"the answer must contain the text":   {probe: other, want: `does not contain "absent"`},
		"text beyond 64 KiB is not searched": {probe: config.HTTPProbe{Path: "/long", BodyContains: "result"}, want: "does not contain"},
		"a redirect is an answer":            {probe: config.HTTPProbe{Path: "/moved"}},
		"an error is not":                    {probe: config.HTTPProbe{Path: "/broken"}, want: "status 500"},
		"unless it is asked for":             {probe: config.HTTPProbe{Path: "/broken", Status: 500}},
		"another status than asked for":      {probe: config.HTTPProbe{Path: "/moved", Status: 200}, want: "status 302"},
	} {
		t.Run(name, func(t *testing.T) {
			test.probe.Port = port
			err := health.HTTP(test.probe)(t.Context())
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "private")
		})
	}
}

func TestKubeletGetsAWordAndTheLogTheErrorOncePerChange(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	var well atomic.Bool
	done := make(chan error, 1)
	go func() {
		done <- health.Serve(ctx, slog.New(slog.NewTextHandler(&log, nil)), listener,
			func(context.Context) error { return outcome.Wait("VaultSealed", 0, "unseal it") },
			func(context.Context) error {
				if well.Load() {
					return nil
				}
				return errors.New("the application said no")
			},
			func(context.Context) error { return nil })
	}()
	get := func(path string) string {
		response, err := http.Get("http://" + listener.Addr().String() + path)
		require.NoError(t, err)
		defer response.Body.Close() //nolint:errcheck // only read from
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.Status + " " + strings.TrimSpace(string(body))
	}

	assert.Equal(t, "503 Service Unavailable VaultSealed", get("/started"))
	for range 3 {
		assert.Equal(t, "503 Service Unavailable NotReady", get("/ready"))
	}
	assert.Equal(t, "200 OK ok", get("/live"))
	assert.Contains(t, get("/metrics"), "404")
	well.Store(true)
	assert.Equal(t, "200 OK ok", get("/ready"))
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.Equal(t, 1, strings.Count(log.String(), "the application said no"))
	assert.Equal(t, 1, strings.Count(log.String(), "A probe succeeds again"))
}
