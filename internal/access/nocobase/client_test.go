package nocobase_test

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
	"github.com/crmkeep/crmkeep/internal/access/nocobase"
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
	return access.Connection{HTTP: server.Client(), URL: server.URL, Login: "crmkeep", Password: secret.New("correct horse")}
}

func TestAnAnswerThatIsNoSuccessSaysWhatItIs(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   error
		text   string
	}{
		"wrong password":      {401, `{"errors":[{"message":"The password of correct horse is incorrect"}]}`, nocobase.ErrRefused, ""},
		"bad gateway":         {502, `<html>`, access.ErrUnreachable, "status 502"},
		"starting":            {503, `{"errors":[{"message":"application is preparing"}]}`, access.ErrUnreachable, "status 503"},
		"something else":      {404, `Not Found`, access.ErrUnreachable, "status 404"},
		"no JSON":             {200, `<html>`, access.ErrUnreachable, "not JSON"},
		"no NocoBase":         {200, `{"data":{}}`, access.ErrUnreachable, "no NocoBase"},
		"nothing":             {200, `{}`, nil, "another form"},
		"an error for people": {400, `{"errors":[{"message":"Not\n so."}]}`, nil, "Not so."},
		"an unexpected error": {500, `{"errors":[{"message":"INSERT INTO users VALUES ('correct horse')"}]}`, nil, "its log says why"},
		"an endless answer":   {200, strings.Repeat("x", 33<<20), nil, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := nocobase.Adapter{}.Bring(context.Background(), answering(t, test.status, test.body), access.Plan{}, access.ModeApply)
			require.Error(t, err)
			assert.Equal(t, 1, report.Calls)
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			} else {
				require.False(t, errors.Is(err, nocobase.ErrRefused) || errors.Is(err, access.ErrUnreachable))
			}
			assert.Contains(t, err.Error(), test.text)
			assert.NotContains(t, err.Error(), "correct horse")
		})
	}
}

func TestAnErrorOfTheConnectionNamesNoAddress(t *testing.T) {
	connection := access.Connection{HTTP: http.DefaultClient, URL: "http://user:correct-horse@127.0.0.1:1", Login: "crmkeep"}
	_, err := nocobase.Adapter{}.Bring(context.Background(), connection, access.Plan{}, access.ModeApply)
	require.ErrorIs(t, err, access.ErrUnreachable)
	assert.NotContains(t, err.Error(), "correct-horse")
}
