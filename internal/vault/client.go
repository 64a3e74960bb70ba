// Package vault keeps what environments have in Vault as declared: it observes, compares and writes only differences. It holds
// no plaintext key at any time, and neither its errors nor anything else that it returns carries a token or a key.
package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

const (
	// DefaultTimeout of one request.
	DefaultTimeout = 10 * time.Second
	// connectTimeout is shorter, so that a Vault which drops packets counts as unreachable and not as slow.
	connectTimeout = 4 * time.Second
)

// Config says where Vault is and how to log in.
type Config struct {
	// Address of Vault, a URL without a path.
	Address string
	// CABundle holds the CA certificates that Vault's own must chain to, PEM. Default: the system's.
	CABundle string
	// Settings of the installation.
	Settings layout.Settings
	// Login gets a token; required. The operator uses KubernetesLogin.
	Login Login
	// Timeout of one request. Default DefaultTimeout.
	Timeout time.Duration
}

// Client talks to one Vault. It is safe for concurrent use. Every error is an outcome.Waiting that says what to do, or transient.
type Client struct {
	settings layout.Settings
	address  string
	timeout  time.Duration
	sessions *sessions
	pkiRoles *roleList
}

// New makes a Client. It does not connect yet.
func New(config Config) (*Client, error) {
	if err := config.Settings.Validate(); err != nil {
		return nil, fmt.Errorf("vault settings: %w", err)
	}
	address, err := url.Parse(config.Address)
	if err != nil || address.Host == "" {
		return nil, fmt.Errorf("vault address %q: must be a URL such as https://vault.vault.svc:8200", config.Address)
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	connection, err := Connect(config.Address, config.CABundle, config.Timeout)
	if err != nil {
		return nil, err
	}
	return &Client{
		settings: config.Settings,
		address:  address.Redacted(),
		timeout:  config.Timeout,
		sessions: newSessions(connection, config.Login),
		pkiRoles: newRoleList(),
	}, nil
}

// Connect makes an API client without a token, which neither retries nor takes TLS settings from the environment.
func Connect(address, caBundle string, timeout time.Duration) (*api.Client, error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if caBundle != "" {
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM([]byte(caBundle)) {
			return nil, errors.New("vault CA bundle: holds no certificate")
		}
	}
	client, err := api.NewClient(&api.Config{
		Address: address,
		HttpClient: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment,
				DialContext:         (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
				TLSHandshakeTimeout: connectTimeout,
				TLSClientConfig:     tlsConfig,
				ForceAttemptHTTP2:   true,
				MaxIdleConnsPerHost: 16,
				IdleConnTimeout:     90 * time.Second,
			},
			// The API client follows the redirect of a standby node itself.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Timeout:    timeout,
		MaxRetries: 0,
	})
	if err != nil {
		return nil, fmt.Errorf("vault client: %w", err)
	}
	client.ClearToken()
	return client, nil
}

// call sends one request. A nil secret without an error means that there is nothing at the path.
func (c *Client) call(ctx context.Context, request request) (*api.Secret, error) {
	current, err := c.sessions.get(ctx)
	if err != nil {
		return nil, c.classifyLogin(ctx, err)
	}
	secret, err := request.send(ctx, current.client)
	// A token can end before its time: revoked, or Vault was restored from a snapshot.
	if hasStatus(err, http.StatusForbidden) && current.mayHaveEnded() {
		if current, err = c.sessions.replace(ctx, current); err != nil {
			return nil, c.classifyLogin(ctx, err)
		}
		secret, err = request.send(ctx, current.client)
	}
	return secret, c.classify(ctx, request, err)
}

// callAll sends requests one after another and stops at the first error.
func (c *Client) callAll(ctx context.Context, requests []request) error {
	for _, r := range requests {
		if _, err := c.call(ctx, r); err != nil {
			return err
		}
		if role, ok := strings.CutPrefix(r.path, c.settings.PKIRolesPath()+"/"); ok {
			if err := c.pkiRoles.note(ctx, role, r.operation == opWrite); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasStatus(err error, status int) bool {
	var response *api.ResponseError
	return errors.As(err, &response) && response.StatusCode == status
}
