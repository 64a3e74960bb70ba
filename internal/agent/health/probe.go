package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/crmkeep/crmkeep/internal/agent/config"
)

// maxBody is how much of an answer is searched, in bytes.
const maxBody = 64 << 10

var local = newClient(nil)

// newClient asks anew each time, so that a check also shows whether the application takes connections, and takes a redirect for an
// answer. It uses no proxy, whatever the environment says.
func newClient(tls *tls.Config) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: tls},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// HTTP checks that the application on localhost answers as probe demands. No error holds any of the answer's body.
func HTTP(probe config.HTTPProbe) Check {
	return answers(local, "http://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(int(probe.Port))), probe)
}

// HTTPS checks the same of a server elsewhere, "crm.acme.example" or with a port behind it; that of the probe does not count.
func HTTPS(server string, tls *tls.Config, probe config.HTTPProbe) Check {
	return answers(newClient(tls), "https://"+server, probe)
}

func answers(client *http.Client, server string, probe config.HTTPProbe) Check {
	return func(ctx context.Context) error {
		request, err := newRequest(ctx, server, probe)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close() //nolint:errcheck // only read from
		if !statusIsGood(probe.Status, response.StatusCode) {
			return fmt.Errorf("%s: status %d", probe.Path, response.StatusCode)
		}
		return bodyContains(response.Body, probe)
	}
}

// TCP checks that the application takes connections at address.
func TCP(address string) Check {
	return func(ctx context.Context) error {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

func newRequest(ctx context.Context, server string, probe config.HTTPProbe) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, probe.Method, server+probe.Path, strings.NewReader(probe.Body))
	if err != nil {
		return nil, err
	}
	for _, header := range probe.Header {
		if http.CanonicalHeaderKey(header.Name) == "Host" {
			request.Host = header.Value
			continue
		}
		request.Header.Add(header.Name, header.Value)
	}
	return request, nil
}

func statusIsGood(want int32, got int) bool {
	if want != 0 {
		return got == int(want)
	}
	return got >= http.StatusOK && got < http.StatusBadRequest
}

func bodyContains(body io.Reader, probe config.HTTPProbe) error {
	if probe.BodyContains == "" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(body, maxBody))
	if err != nil {
		return fmt.Errorf("%s: %w", probe.Path, err)
	}
	if !strings.Contains(string(text), probe.BodyContains) {
		return fmt.Errorf("%s: the answer does not contain %q", probe.Path, probe.BodyContains)
	}
	return nil
}
