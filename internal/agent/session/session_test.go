package session

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// hang waits until the client goes, which a server only notices once it has read the request.
func hang(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body) //nolint:errcheck // the client goes anyway
	<-r.Context().Done()
}

// vault answers logins with numbered tokens and takes only those in accepted.
type vault struct {
	accepted map[string]bool
	logins   []string
	life     int
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/auth/kubernetes/login" {
		var body struct{ JWT, Role string }
		json.NewDecoder(r.Body).Decode(&body) //nolint:errcheck // the test sees what came
		v.logins = append(v.logins, body.Role+" "+body.JWT)
		_, _ = fmt.Fprintf(w, `{"auth":{"client_token":"token-%d","lease_duration":%d}}`, len(v.logins), v.life)
		return
	}
	if !v.accepted[r.Header.Get("X-Vault-Token")] {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"errors":["permission denied"]}`) //nolint:errcheck // the client sees it
		return
	}
	io.WriteString(w, `{"data":{"answer":"42"}}`) //nolint:errcheck // as above
}

func newSession(t *testing.T, handler http.Handler) (*Session, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	tokenFile := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(tokenFile, []byte("first\n"), 0o600))
	s, err := New(config.Vault{Address: server.URL, AuthPath: "kubernetes", Role: "acme.prod.web"}, "", tokenFile)
	require.NoError(t, err)
	return s, tokenFile
}

func TestOneLoginServesUntilItsTokenExpiresOrIsDropped(t *testing.T) {
	v := &vault{accepted: map[string]bool{"token-1": true, "token-2": true}, life: 3600}
	s, tokenFile := newSession(t, v)
	for range 3 {
		answer, err := s.Read(t.Context(), "some/path")
		require.NoError(t, err)
		assert.Equal(t, "42", answer["answer"])
	}
	assert.Equal(t, []string{"acme.prod.web first"}, v.logins)

	require.NoError(t, os.WriteFile(tokenFile, []byte("second"), 0o600))
	delete(v.accepted, "token-1")
	_, err := s.Read(t.Context(), "some/path")
	require.NoError(t, err, "a dropped token should be replaced")
	assert.Equal(t, "acme.prod.web second", v.logins[1], "the file should be read again")

	v.accepted["token-3"] = true
	s.expires = time.Now().Add(expiryMargin / 2)
	_, err = s.Write(t.Context(), "some/path", nil)
	require.NoError(t, err)
	assert.Len(t, v.logins, 3, "a token that is about to expire should not be used")
}

func TestAForbiddenCallIsTriedOnceWithANewToken(t *testing.T) {
	v := &vault{life: 3600}
	s, _ := newSession(t, v)
	_, err := s.Read(t.Context(), "some/path")
	requireReason(t, err, ReasonForbidden, "some/path")
	assert.Len(t, v.logins, 1, "a token that is new already is not replaced")
	assert.NotContains(t, err.Error(), "token-1")
}

func TestEveryWayThatVaultCanBeAwayHasItsReason(t *testing.T) {
	status := func(code int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, body) //nolint:errcheck // the client sees it
		})
	}
	for name, test := range map[string]struct {
		handler      http.Handler
		reason, says string
	}{
		"sealed":               {status(503, `{"errors":["Vault is sealed"]}`), ReasonSealed, "unseal it"},
		"a proxy without it":   {status(502, `<html>`), ReasonUnreachable, "status 502"},
		"a proxy that waited":  {status(504, ``), ReasonSlow, "waited too long"},
		"an internal error":    {status(500, `{"errors":["internal error"]}`), ReasonRefused, "500: internal error"},
		"an answer of another": {status(200, `{}`), ReasonRefused, "no token"},
		"no answer":            {http.HandlerFunc(hang), ReasonSlow, "did not answer within"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newSession(t, test.handler)
			s.timeout = 100 * time.Millisecond
			_, err := s.Read(t.Context(), "some/path")
			requireReason(t, err, test.reason, test.says)
			assert.NotContains(t, err.Error(), "first", "the token must not be in an error")
		})
	}
}

func TestARefusedLoginShowsTheTokensClaimsAndNotTheToken(t *testing.T) {
	s, tokenFile := newSession(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	jwt := func(expires time.Time) string {
		claims := fmt.Sprintf(`{"sub":"system:serviceaccount:crm-acme--prod:web","aud":["vault"],"exp":%d}`, expires.Unix())
		return "header." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".signature"
	}
	for text, says := range map[string]string{
		jwt(time.Now().Add(time.Hour)):  `of system:serviceaccount:crm-acme--prod:web with audience "vault"`,
		jwt(time.Now().Add(-time.Hour)): "token expired at",
		"not-a-token":                   "1 parts instead of 3",
		"a.%%.c":                        "not base64",
		"a.bm90IGpzb24.c":               "not the JSON",
	} {
		require.NoError(t, os.WriteFile(tokenFile, []byte(text), 0o600))
		_, err := s.Read(t.Context(), "some/path")
		requireReason(t, err, ReasonForbidden, says)
		assert.NotContains(t, err.Error(), text)
	}

	require.NoError(t, os.Remove(tokenFile))
	_, err := s.Read(t.Context(), "some/path")
	requireReason(t, err, ReasonForbidden, "cannot be read")
}

func TestVaultsCertificateMustComeFromItsCA(t *testing.T) {
	server := httptest.NewTLSServer(&vault{accepted: map[string]bool{"token-1": true}, life: 60})
	defer server.Close()
	dir := t.TempDir()
	tokenFile, caFile := filepath.Join(dir, "token"), filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(tokenFile, []byte("jwt"), 0o600))
	auth := config.Vault{Address: server.URL, AuthPath: "kubernetes"}

	s, err := New(auth, caFile, tokenFile)
	require.NoError(t, err)
	_, err = s.Read(t.Context(), "some/path")
	requireReason(t, err, ReasonUnreachable, "is not trusted")

	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(caFile, authority, 0o600))
	s, err = New(auth, caFile, tokenFile)
	require.NoError(t, err)
	_, err = s.Read(t.Context(), "some/path")
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(caFile, []byte("no certificate"), 0o600))
	_, err = New(auth, caFile, tokenFile)
	require.ErrorContains(t, err, "no certificate in PEM")
}

func requireReason(t *testing.T, err error, reason, says string) {
	t.Helper()
	waiting, ok := outcome.AsWaiting(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, reason, waiting.Reason, waiting.Message)
	require.Contains(t, waiting.Message, says)
}
