package check_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/check"
)

// application answers POST /rpc with a result, and every other request with a refusal.
func application(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodPost && r.RequestURI == "/rpc?a=1" && r.Header.Get("Content-Type") == "application/json" && string(body) == `{"id":1}` {
		io.WriteString(w, `{"result":"private"}`) //nolint:errcheck // the test sees it
		return
	}
	http.Error(w, "private", http.StatusForbidden)
}

// serve gives the address of the application behind the certificate in dir.
func serve(t *testing.T, dir string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, config.CertFile), filepath.Join(dir, config.KeyFile))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(application))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of every handshake that a test means to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestARequestIsMadeOverTLSAndItsAnswerJudged(t *testing.T) {
	dir, strangers := t.TempDir(), t.TempDir()
	agenttest.NewAuthority(t).Issue(t, dir, "web", "localhost")
	agenttest.NewAuthority(t).Issue(t, strangers, "stranger")
	server := serve(t, dir)
	ca, empty := filepath.Join(dir, config.CAFile), filepath.Join(dir, "empty.crt")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	to := "--server=" + strings.Replace(server, "127.0.0.1", "localhost", 1)
	rpc := []string{to, "--ca-file=" + ca, "--path=/rpc?a=1", "--method=POST", "--content-type=application/json", `--body={"id":1}`}

	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"all of it is sent":               {args: append(rpc, "--contains=result")},
		"the answer lacks the text":       {args: append(rpc, "--contains=absent"), want: `does not contain "absent"`},
		"the status is not good":          {args: []string{to, "--ca-file=" + ca}, want: "status 403"},
		"unless it is asked for":          {args: []string{to, "--ca-file=" + ca, "--status=403"}},
		"no server":                       {args: []string{"--ca-file=" + ca}, want: "--server"},
		"a path without a slash":          {args: []string{to, "--ca-file=" + ca, "--path=rpc"}, want: "--path"},
		"no CA":                           {args: []string{to, "--ca-file=" + ca + ".missing"}, want: "--ca-file"},
		"a CA without a certificate":      {args: []string{to, "--ca-file=" + empty}, want: "no certificate"},
		"the certificate is for others":   {args: []string{"--server=" + server, "--ca-file=" + ca}, want: "certificate"},
		"nobody vouches for the server":   {args: []string{to, "--ca-file=" + filepath.Join(strangers, config.CAFile)}, want: "certificate"},
		"nobody listens where it is said": {args: []string{"--server=127.0.0.1:1", "--ca-file=" + ca}, want: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := check.NewCommand()
			cmd.SetArgs(append([]string{"http"}, test.args...))
			cmd.SilenceUsage, cmd.SilenceErrors = true, true
			err := cmd.ExecuteContext(t.Context())
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "private")
		})
	}
}
