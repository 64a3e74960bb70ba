package vault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Reasons of an outcome.Waiting.
const (
	// ReasonSealed says that Vault waits for its unseal keys.
	ReasonSealed = "VaultSealed"
	// ReasonUnreachable says that no Vault answers at the address, or one whose certificate is not trusted.
	ReasonUnreachable = "VaultUnreachable"
	// ReasonForbidden says that Vault refused the login or a request.
	ReasonForbidden = "VaultForbidden"
	// ReasonSlow says that Vault did not answer in time, or asked for fewer requests.
	ReasonSlow = "VaultSlow"
	// ReasonNotPrepared says that a mount or the operator's role is missing.
	ReasonNotPrepared = "VaultNotPrepared"
	// ReasonNameClash says that a key of a needed name exists and is not as crmkeep makes it.
	ReasonNameClash = "VaultNameClash"
	// ReasonKeyLost says that a key is gone that something in Vault still needs.
	ReasonKeyLost = "VaultKeyLost"
)

const bootstrapHint = `run "crmkeep vault bootstrap" again`

// requestError is an answer that is no wait. Its text is redacted.
type requestError struct {
	request request
	status  int
	text    string
}

func (e *requestError) Error() string {
	return fmt.Sprintf("vault: %s %s: status %d: %s", e.request.operation, e.request.path, e.status, e.text)
}

// classify gives an error its outcome. It is the only place that does.
func (c *Client) classify(ctx context.Context, request request, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	var response *api.ResponseError
	if errors.As(err, &response) {
		return c.classifyResponse(request, response)
	}
	return c.classifyTransport(err)
}

// classifyLogin is classify for a login, where a refusal has other causes.
func (c *Client) classifyLogin(ctx context.Context, err error) error {
	login := request{operation: opWrite, path: c.settings.LoginPath()}
	role := c.settings.OperatorRole()
	switch {
	case hasStatus(err, http.StatusForbidden):
		return wait(ReasonForbidden, time.Minute, "Vault refused the operator's login at %s as role %q: check that the role is bound to its ServiceAccount "+
			"and namespace, that its token has audience %q, and that Vault reaches the API server and may create TokenReviews (system:auth-delegator)", login.path, role, c.settings.Audience)
	case hasStatus(err, http.StatusBadRequest):
		return wait(ReasonNotPrepared, time.Minute, "Vault knows no role %q at %s, or the auth method is not configured: %s", role, login.path, bootstrapHint)
	}
	return c.classify(ctx, login, err)
}

func (c *Client) classifyResponse(request request, response *api.ResponseError) error {
	text := redact(response)
	switch response.StatusCode {
	case http.StatusForbidden:
		return wait(ReasonForbidden, time.Minute, "Vault refused %q on %s: policy %q must allow it, %s",
			request.operation, request.path, c.settings.OperatorRole(), bootstrapHint)
	case http.StatusNotFound:
		return wait(ReasonNotPrepared, time.Minute, "Vault has nothing at %s: %s", request.path, bootstrapHint)
	case http.StatusTooManyRequests:
		return wait(ReasonSlow, 20*time.Second, "Vault at %s limits the rate of requests: raise the quota if this stays", c.address)
	case http.StatusServiceUnavailable:
		if strings.Contains(text, "sealed") || strings.Contains(text, "initialized") {
			return wait(ReasonSealed, 20*time.Second, "Vault at %s is sealed: unseal it; what runs keeps running with what it has", c.address)
		}
		return c.unreachable(fmt.Sprintf("status %d", response.StatusCode))
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return c.unreachable(fmt.Sprintf("status %d from a proxy before it", response.StatusCode))
	}
	return &requestError{request: request, status: response.StatusCode, text: text}
}

func (c *Client) classifyTransport(err error) error {
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return c.unreachable(dial.Err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return wait(ReasonSlow, 20*time.Second, "Vault at %s did not answer within %s: look at its load and its storage", c.address, c.timeout)
	}
	// The URL's error names the request and the reason; the URL has no secret in it, but it may have a user.
	var transport *url.Error
	if errors.As(err, &transport) {
		return c.unreachable(transport.Err.Error())
	}
	return fmt.Errorf("vault: %w", err)
}

func (c *Client) unreachable(cause string) error {
	return wait(ReasonUnreachable, 15*time.Second, "Vault at %s does not answer (%s): check that it runs, its address, its CA and the network policies",
		c.address, cause)
}

// wait makes an outcome.Waiting whose time is spread by a quarter either way: a thousand environments that wait for the same
// Vault must not come back to it at once.
func wait(reason string, after time.Duration, format string, args ...any) error {
	spread := 0.75 + rand.Float64()/2 //nolint:gosec // spreading load needs no secret randomness
	return outcome.Wait(reason, time.Duration(float64(after)*spread), format, args...)
}
