package controllers_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/controllers"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// The pod of a run has an address of its own, and its port.
const podAddress = "127.0.0.44"

func TestAPodIsAskedForItsProgressAndNotBelievedBlindly(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   *result.Progress
	}{
		"its progress": {
			func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"stage":"Database","bytesDone":5,"bytesTotal":10}`))
			}, &result.Progress{Stage: "Database", BytesDone: 5, BytesTotal: 10}},
		"an error": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, nil},
		"somewhere else": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/progress" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			_, _ = w.Write([]byte(`{"stage":"Elsewhere"}`))
		}, nil},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", 5000) + `{"stage":"Database"}`))
		}, nil},
		"something": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", podAddress+":8444")
			require.NoError(t, err)
			server := httptest.NewUnstartedServer(c.answer)
			require.NoError(t, server.Listener.Close())
			server.Listener = listener
			server.Start()
			defer server.Close()
			assert.Equal(t, c.want, controllers.NewProgress().Of(t.Context(), podAddress))
		})
	}
	assert.Nil(t, controllers.NewProgress().Of(t.Context(), podAddress), "nobody answers")
	assert.Nil(t, controllers.NewProgress().Of(t.Context(), "vault.vault.svc"), "a name is no address")
}
