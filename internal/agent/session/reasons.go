package session

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Reasons of a wait for Vault.
const (
	// ReasonSealed: Vault runs, and somebody must unseal it.
	ReasonSealed = "VaultSealed"
	// ReasonUnreachable: nothing that can be trusted to be Vault answers at the address.
	ReasonUnreachable = "VaultUnreachable"
	// ReasonForbidden: Vault does not let this pod log in, or not do what it must.
	ReasonForbidden = "VaultForbidden"
	// ReasonSlow: Vault did not answer in time.
	ReasonSlow = "VaultSlow"
	// ReasonRefused: Vault answered, but cannot do what was asked.
	ReasonRefused = "VaultRefused"
)

// explain gives an error of the API client its reason. forbidden words the answers that mean "you may not".
func (s *Session) explain(ctx context.Context, err error, forbidden func(api.ResponseError) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if answer, ok := errors.AsType[*api.ResponseError](err); ok {
		return s.explainAnswer(*answer, forbidden)
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return outcome.Wait(ReasonSlow, 0, "Vault at %s did not answer within %s", s.auth.Address, s.timeout)
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return outcome.Wait(ReasonUnreachable, 0, "the certificate of Vault at %s is not trusted: %v", s.auth.Address, untrusted.Err)
	}
	return outcome.Wait(ReasonUnreachable, 0, "Vault at %s cannot be reached: %v", s.auth.Address, cause(err))
}

func (s *Session) explainAnswer(answer api.ResponseError, forbidden func(api.ResponseError) error) error {
	said := strings.Join(answer.Errors, "; ")
	switch {
	case answer.StatusCode == http.StatusServiceUnavailable && strings.Contains(said, "sealed"):
		return outcome.Wait(ReasonSealed, 0, "Vault at %s is sealed: unseal it", s.auth.Address)
	case answer.StatusCode == http.StatusForbidden:
		return forbidden(answer)
	case answer.StatusCode == http.StatusGatewayTimeout:
		return outcome.Wait(ReasonSlow, 0, "what stands before Vault at %s waited too long for it", s.auth.Address)
	case answer.StatusCode == http.StatusBadGateway || answer.StatusCode == http.StatusServiceUnavailable:
		return outcome.Wait(ReasonUnreachable, 0, "Vault at %s does not serve: status %d", s.auth.Address, answer.StatusCode)
	case strings.HasPrefix(said, "invalid role name"):
		return forbidden(answer)
	}
	return outcome.Wait(ReasonRefused, 0, "Vault answered %d: %.300s", answer.StatusCode, said)
}

func hasStatus(err error, status int) bool {
	answer, ok := errors.AsType[*api.ResponseError](err)
	return ok && answer.StatusCode == status
}

// cause is what is under the URL, which the message names already.
func cause(err error) error {
	if located, ok := errors.AsType[*url.Error](err); ok {
		return located.Err
	}
	return err
}
