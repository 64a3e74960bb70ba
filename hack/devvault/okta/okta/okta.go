// Package okta stands in for Okta's client, by which Vault asks for a second factor at a login. A development server asks for none, and that
// client is a fifth of what Vault would compile. See docs/dependencies.md.
package okta

import (
	"context"
	"errors"
)

// errNoOkta is what Vault says when a login needs one.
var errNoOkta = errors.New("this development server cannot ask Okta for a second factor")

// Configuration of a client.
type Configuration struct{ Context context.Context }

// ConfigSetter is for NewConfiguration.
type ConfigSetter func(*Configuration)

// WithToken is passed over.
func WithToken(string) ConfigSetter { return nil }

// WithOrgUrl is passed over.
func WithOrgUrl(string) ConfigSetter { return nil }

// WithCache is passed over.
func WithCache(bool) ConfigSetter { return nil }

// NewConfiguration fails, so that nothing below is reached.
func NewConfiguration(...ConfigSetter) (*Configuration, error) { return nil, errNoOkta }

// APIClient is what Vault would ask.
type APIClient struct {
	UserAPI       UserAPI
	UserFactorAPI UserFactorAPI
}

// NewAPIClient makes one.
func NewAPIClient(*Configuration) *APIClient { return &APIClient{} }

// GetConfig gives an empty one.
func (*APIClient) GetConfig() *Configuration { return &Configuration{} }

// Request is any question.
type Request[Answer any] struct{}

// Filter is passed over.
func (r Request[Answer]) Filter(string) Request[Answer] { return r }

// Execute fails.
func (Request[Answer]) Execute() (answer Answer, response any, err error) {
	return answer, nil, errNoOkta
}

// UserAPI knows users.
type UserAPI struct{}

// ListUsers asks for them.
func (UserAPI) ListUsers(context.Context) Request[[]Identified] { return Request[[]Identified]{} }

// UserFactorAPI knows users' second factors.
type UserFactorAPI struct{}

// ListFactors asks for those of a user.
func (UserFactorAPI) ListFactors(_ context.Context, _ string) Request[[]Factor] {
	return Request[[]Factor]{}
}

// VerifyFactor asks a user.
func (UserFactorAPI) VerifyFactor(_ context.Context, _, _ string) Request[*Verification] {
	return Request[*Verification]{}
}

// GetFactorTransactionStatus asks what the user has said.
func (UserFactorAPI) GetFactorTransactionStatus(_ context.Context, _, _, _ string) Request[*Transaction] {
	return Request[*Transaction]{}
}

// Identified is a user, or a second factor of the kind that sends something to a telephone.
type Identified struct{}

// UserFactorPush is the latter.
type UserFactorPush = Identified

// GetId gives nothing.
func (*Identified) GetId() string { return "" }

// Factor is a second factor of any kind.
type Factor struct{ UserFactorPush *UserFactorPush }

// Verification is under way.
type Verification struct{ Links map[string]any }

// GetFactorResult gives nothing.
func (*Verification) GetFactorResult() string { return "" }

// Transaction is one of these.
type Transaction struct {
	UserFactorPushTransactionWaiting, UserFactorPushTransaction         *struct{}
	UserFactorPushTransactionRejected, UserFactorPushTransactionTimeout *struct{}
}
