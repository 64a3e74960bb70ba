package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFirstStartInitialisesAndUnseals(t *testing.T) {
	v := start(t, options{keysFile: filepath.Join(t.TempDir(), "keys.json")})

	if got := v.status(t, http.MethodGet, "/v1/sys/health", ""); got != http.StatusOK {
		t.Errorf("health of a new Vault: status %d", got)
	}
	info, err := os.Stat(v.keysFile)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the keys file has mode %o", mode)
	}
}

func TestARestartKeepsTheDataAndIsSealedUntilUnsealed(t *testing.T) {
	dir := t.TempDir()
	o := options{dir: filepath.Join(dir, "data"), keysFile: filepath.Join(dir, "keys.json")}
	v := start(t, o)
	v.want(t, http.StatusNoContent, http.MethodPost, "/v1/sys/mounts/kv", `{"type":"kv"}`)
	v.want(t, http.StatusNoContent, http.MethodPost, "/v1/kv/a", `{"b":"c"}`)
	v.stop()

	v = start(t, o)
	v.want(t, http.StatusServiceUnavailable, http.MethodGet, "/v1/kv/a", "")
	v.want(t, http.StatusOK, http.MethodPost, "/v1/sys/unseal", `{"key":"`+v.UnsealKey+`"}`)
	v.want(t, http.StatusOK, http.MethodGet, "/v1/kv/a", "")
	v.want(t, http.StatusNoContent, http.MethodPut, "/v1/sys/seal", "")
	v.want(t, http.StatusServiceUnavailable, http.MethodGet, "/v1/kv/a", "")
	v.stop()

	o.autoUnseal = true
	v = start(t, o)
	v.want(t, http.StatusOK, http.MethodGet, "/v1/kv/a", "")
}

func TestARestartKeepsTheCA(t *testing.T) {
	dir := t.TempDir()
	o := options{keysFile: filepath.Join(dir, "keys.json"), tlsDir: filepath.Join(dir, "tls"), names: []string{"127.0.0.1", "vault.vault.svc"}}
	v := start(t, o)
	client := v.client
	v.want(t, http.StatusOK, http.MethodGet, "/v1/sys/health", "")
	v.stop()

	v = start(t, o)
	v.client = client
	v.want(t, http.StatusOK, http.MethodGet, "/v1/sys/health", "")
}

// running is a devvault in this process.
type running struct {
	keys
	keysFile string
	url      string
	client   *http.Client
	stop     func()
}

func start(t *testing.T, o options) *running {
	t.Helper()
	o.listen = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- serve(ctx, o, func(a string) { address <- a }) }()

	v := &running{keysFile: o.keysFile, client: http.DefaultClient}
	select {
	case err := <-ended:
		t.Fatal(err)
	case a := <-address:
		v.url = "http://" + a
	}
	stopped := false
	v.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(v.stop)
	if o.tlsDir != "" {
		v.url = strings.Replace(v.url, "http:", "https:", 1)
		v.client = trusting(t, filepath.Join(o.tlsDir, "ca.crt"))
	}
	content, err := os.ReadFile(o.keysFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &v.keys); err != nil {
		t.Fatal(err)
	}
	return v
}

func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	ca, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

func (v *running) want(t *testing.T, status int, method, path, body string) {
	t.Helper()
	if got := v.status(t, method, path, body); got != status {
		t.Errorf("%s %s: status %d, want %d", method, path, got, status)
	}
}

func (v *running) status(t *testing.T, method, path, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, v.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Vault-Token", v.RootToken)
	response, err := v.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}
