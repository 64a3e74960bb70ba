// Package session is the agent's access to Vault: it logs in as the pod and names what it waits for while Vault does not serve it.
package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

const (
	// callTimeout is how long one call may take before Vault counts as slow.
	callTimeout = 10 * time.Second
	// expiryMargin is how much of a token's life must be left for it to be used.
	expiryMargin = 10 * time.Second
)

// Session makes calls to Vault with a token that it gets with the pod's projected ServiceAccount token. It logs in when it first
// needs to, when its token is about to expire, and when Vault no longer accepts it. It is not safe for concurrent use.
//
// Every error is an outcome.Waiting with one of the reasons of this package, or the context's.
type Session struct {
	client    *api.Client
	auth      config.Vault
	tokenFile string
	expires   time.Time
	timeout   time.Duration
}

// New makes a session without calling Vault. caFile holds the certificates that Vault's must come from; when the file is missing
// or empty, the system's do. tokenFile is read at each login, because kubelet replaces its content.
func New(auth config.Vault, caFile, tokenFile string) (*Session, error) {
	transport, err := transportFor(caFile)
	if err != nil {
		return nil, err
	}
	client, err := api.NewClient(&api.Config{
		Address:    auth.Address,
		HttpClient: &http.Client{Transport: transport, CheckRedirect: keepMethod},
		Timeout:    callTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("vault address %q: %w", auth.Address, err)
	}
	// Only the configuration decides: a variable that an image happens to set must not.
	client.ClearToken()
	client.ClearNamespace()
	return &Session{client: client, auth: auth, tokenFile: tokenFile, timeout: callTimeout}, nil
}

// keepMethod leaves redirects to the API client, which repeats the request with its body.
func keepMethod(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func transportFor(caFile string) (*http.Transport, error) {
	pem, err := os.ReadFile(caFile) //nolint:gosec // the file beside the configuration
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("certificate authority of Vault: %w", err)
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(pem) > 0 {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificate authority of Vault: %s holds no certificate in PEM", caFile)
		}
	}
	return &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute}, nil
}

// Read gives the data at path, nil when there is none.
func (s *Session) Read(ctx context.Context, path string) (map[string]any, error) {
	return s.call(ctx, path, func(ctx context.Context) (*api.Secret, error) {
		return s.client.Logical().ReadWithContext(ctx, path)
	})
}

// Write sends body to path and gives the data of the answer.
func (s *Session) Write(ctx context.Context, path string, body map[string]any) (map[string]any, error) {
	return s.call(ctx, path, func(ctx context.Context) (*api.Secret, error) {
		return s.client.Logical().WriteWithContext(ctx, path, body)
	})
}

func (s *Session) call(ctx context.Context, path string, do func(context.Context) (*api.Secret, error)) (map[string]any, error) {
	reused := s.usable()
	if !reused {
		if err := s.login(ctx); err != nil {
			return nil, err
		}
	}
	answer, err := s.limited(ctx, do)
	if reused && hasStatus(err, http.StatusForbidden) {
		// Vault may have dropped the token: after a restore, or when the role was written anew.
		if err := s.login(ctx); err != nil {
			return nil, err
		}
		answer, err = s.limited(ctx, do)
	}
	if err != nil {
		return nil, s.explain(ctx, err, func(api.ResponseError) error {
			return outcome.Wait(ReasonForbidden, 0, "Vault forbids %s to role %q: one of its policies is missing or was changed", path, s.auth.Role)
		})
	}
	if answer == nil {
		return nil, nil
	}
	return answer.Data, nil
}

func (s *Session) usable() bool {
	return s.client.Token() != "" && time.Until(s.expires) > expiryMargin
}

func (s *Session) login(ctx context.Context) error {
	s.client.ClearToken()
	jwt, err := os.ReadFile(s.tokenFile)
	if err != nil {
		return outcome.Wait(ReasonForbidden, 0, "the ServiceAccount token for Vault cannot be read: %v", err)
	}
	path := "auth/" + s.auth.AuthPath + "/login"
	answer, err := s.limited(ctx, func(ctx context.Context) (*api.Secret, error) {
		return s.client.Logical().WriteWithContext(ctx, path, map[string]any{
			"role": s.auth.Role, "jwt": strings.TrimSpace(string(jwt)),
		})
	})
	if err != nil {
		return s.explain(ctx, err, func(answer api.ResponseError) error { return loginRefused(s.auth, string(jwt), answer.StatusCode) })
	}
	if answer == nil || answer.Auth == nil {
		return outcome.Wait(ReasonRefused, 0, "Vault gave no token at %s", path)
	}
	s.client.SetToken(answer.Auth.ClientToken)
	s.expires = time.Now().Add(time.Duration(answer.Auth.LeaseDuration) * time.Second)
	return nil
}

func (s *Session) limited(ctx context.Context, do func(context.Context) (*api.Secret, error)) (*api.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return do(ctx)
}
