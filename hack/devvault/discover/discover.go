// Package discover stands in for HashiCorp's, with which Vault's raft storage finds its peers in clouds. A development server has no peers,
// and the clients of fifteen clouds are half of what Vault would compile. See docs/dependencies.md.
package discover

import (
	"errors"
	"log"
)

// errNoCloud is what Vault says when its configuration names one.
var errNoCloud = errors.New("this development server cannot look for peers in a cloud")

// Config is what a provider is given.
type Config map[string]string

func (Config) String() string { return "" }

// Parse fails.
func Parse(string) (Config, error) { return nil, errNoCloud }

// Provider finds addresses in one cloud.
type Provider interface {
	Addrs(args map[string]string, l *log.Logger) ([]string, error)
	Help() string
}

// Providers is empty: there is no cloud.
var Providers = map[string]Provider{}

// Discover finds nothing.
type Discover struct{}

// Option is for New.
type Option func(*Discover) error

// New makes a Discover.
func New(...Option) (*Discover, error) { return &Discover{}, nil }

// WithProviders is an option that is passed over.
func WithProviders(map[string]Provider) Option { return func(*Discover) error { return nil } }

// Addrs fails.
func (*Discover) Addrs(string, *log.Logger) ([]string, error) { return nil, errNoCloud }
