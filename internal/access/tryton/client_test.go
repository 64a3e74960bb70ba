package tryton_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

// answering gives a connection to something that answers every request in one way.
func answering(t *testing.T, status int, body string) access.Connection {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.Copy(w, strings.NewReader(body))
	}))
	t.Cleanup(server.Close)
	return access.Connection{HTTP: server.Client(), URL: server.URL, Database: "crm", Login: "admin", Password: secret.New("correct horse")}
}

func TestAnAnswerThatIsNoSuccessSaysWhatItIs(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   error
		text   string
	}{
		"wrong password":       {200, `{"id":1,"error":["LoginException",["password","Password for admin","password"]]}`, tryton.ErrRefused, ""},
		"wrong password again": {200, `{"id":1,"error":["401 Unauthorized: no",""]}`, tryton.ErrRefused, ""},
		"too many logins":      {200, `{"id":1,"error":["429 Too Many Requests",""]}`, tryton.ErrRefused, ""},
		"unauthorized":         {401, ``, tryton.ErrRefused, ""},
		"bad gateway":          {502, `<html>`, tryton.ErrUnreachable, "status 502"},
		"no JSON":              {200, `<html>`, tryton.ErrUnreachable, "not JSON"},
		"no Tryton":            {200, `{"result":["x","y"]}`, tryton.ErrUnreachable, "no Tryton"},
		"nothing":              {200, `{"result":null}`, tryton.ErrUnreachable, "no Tryton"},
		"no such database":     {200, `{"id":1,"error":["404 Not Found: no",""]}`, nil, "404 Not Found"},
		"an error for people":  {200, `{"id":1,"error":["UserError",["Not\n so.","",null]]}`, nil, "Not so."},
		"an unexpected error":  {200, `{"id":1,"error":["INSERT INTO res_user VALUES ('correct horse')","trace"]}`, nil, "its log says why"},
		"an endless answer":    {200, strings.Repeat("x", 33<<20), nil, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := tryton.Adapter{}.Bring(context.Background(), answering(t, test.status, test.body), access.Plan{}, access.ModeApply)
			require.Error(t, err)
			assert.Equal(t, 1, report.Calls)
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			} else {
				require.False(t, errors.Is(err, tryton.ErrRefused) || errors.Is(err, tryton.ErrUnreachable))
			}
			assert.Contains(t, err.Error(), test.text)
			assert.NotContains(t, err.Error(), "correct horse")
		})
	}
}

func TestAnErrorOfTheConnectionNamesNoAddress(t *testing.T) {
	connection := access.Connection{HTTP: http.DefaultClient, URL: "http://user:correct-horse@127.0.0.1:1", Database: "crm", Login: "admin"}
	_, err := tryton.Adapter{}.Bring(context.Background(), connection, access.Plan{}, access.ModeApply)
	require.ErrorIs(t, err, tryton.ErrUnreachable)
	assert.NotContains(t, err.Error(), "correct-horse")
}
