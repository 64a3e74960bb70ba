package faultproxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
)

func TestWhatPassesIsRecordedWithItsAnswer(t *testing.T) {
	p, client, _ := start(t)
	require.NoError(t, get(t, client, http.MethodPut, p.URL+"/a"))
	require.NoError(t, get(t, client, http.MethodGet, p.URL+"/b"))
	assert.Equal(t, []faultproxy.Request{{Method: "PUT", Path: "/a", Status: 200}, {Method: "GET", Path: "/b", Status: 200}}, p.Requests())
	assert.Len(t, p.Writes(), 1)
	p.Reset()
	assert.Empty(t, p.Requests())
}

func TestALostRequestDoesNotReachTheServerAndALostAnswerComesAfterIt(t *testing.T) {
	p, client, asked := start(t)
	p.Use(func(faultproxy.Request) faultproxy.Fault { return faultproxy.Fault{LoseRequest: true} })
	require.Error(t, get(t, client, http.MethodPut, p.URL+"/a"))
	assert.Zero(t, asked.Load())
	p.Use(func(faultproxy.Request) faultproxy.Fault { return faultproxy.Fault{LoseAnswer: true} })
	require.Error(t, get(t, client, http.MethodPut, p.URL+"/a"))
	assert.EqualValues(t, 1, asked.Load())
}

func TestAForgedAnswerIsGivenWithoutAskingTheServer(t *testing.T) {
	p, client, asked := start(t)
	p.Use(func(faultproxy.Request) faultproxy.Fault {
		return faultproxy.Fault{Answer: &faultproxy.Answer{Status: http.StatusTooManyRequests, RetryAfter: 7, Body: "slow down"}}
	})
	response, err := client.Get(p.URL)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, "7", response.Header.Get("Retry-After"))
	assert.Equal(t, "slow down", string(body))
	assert.Zero(t, asked.Load())
}

func TestAWatchThatIsCutEndsForTheClient(t *testing.T) {
	p, client, _ := start(t)
	response, err := client.Get(p.URL + "/stream?watch=true")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	first := make([]byte, 5)
	_, err = io.ReadFull(response.Body, first)
	require.NoError(t, err)
	assert.Equal(t, 1, p.CutWatches())
	_, err = io.ReadAll(response.Body)
	assert.Error(t, err)
}

// start runs a proxy before a server that counts what it is asked; its /stream never ends by itself.
func start(t *testing.T) (*faultproxy.Proxy, *http.Client, *atomic.Int32) {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasPrefix(r.URL.Path, "/stream") {
			_, _ = w.Write([]byte("hello"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	p := faultproxy.Start(t, server.URL, http.DefaultTransport)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(p.CA)))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return p, &http.Client{Transport: transport}, &asked
}

func get(t *testing.T, client *http.Client, method, url string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
