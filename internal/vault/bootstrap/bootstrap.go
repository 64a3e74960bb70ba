// Package bootstrap prepares a Vault for crmkeep, with an administrator's token: engines, the CA, the auth method, the policies and
// the operator's role. It can be run again at any time and changes only what is not as it should be.
package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Options of a bootstrap.
type Options struct {
	Settings   layout.Settings
	Kubernetes Kubernetes
	CA         CA
	// Report is told each thing that was looked at, and whether it was changed.
	Report func(thing string, changed bool)
}

// Kubernetes is the cluster that the auth method serves, and the operator in it.
type Kubernetes struct {
	// Host is the URL of the API server as Vault reaches it. Empty: the auth method stays as it is configured.
	Host string
	// CACert of the API server, PEM, and ReviewerToken, with which Vault creates TokenReviews. Both empty in a Vault that runs in the
	// cluster: it uses what its own pod has.
	CACert        string
	ReviewerToken string
	// Namespace and ServiceAccount of the operator.
	Namespace      string
	ServiceAccount string
}

// CA is who signs crmkeep's intermediate CA.
type CA struct {
	// RootCommonName names the root CA that is made unless CSR or Certificate is given.
	RootCommonName string
	// RootTTL and IntermediateTTL are lifetimes.
	RootTTL         time.Duration
	IntermediateTTL time.Duration
	// CSR receives the request for an intermediate that somebody else's root is to sign. No root is made then.
	CSR func(pem string) error
	// Certificate is the answer to it: the signed intermediate and its chain, PEM.
	Certificate string
}

// run is one bootstrap under way.
type run struct {
	Options
	vault *api.Client
}

// Run prepares the Vault that client is connected to.
func Run(ctx context.Context, client *api.Client, options Options) error {
	if err := options.Settings.Validate(); err != nil {
		return err
	}
	r := run{Options: options, vault: client}
	for _, step := range []func(context.Context) error{r.engines, r.checkAndSet, r.authMethod, r.policies, r.operatorRole, r.certificateAuthority} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// policies writes those that differ.
func (r run) policies(ctx context.Context) error {
	mounts, err := r.vault.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list auth methods: %w", err)
	}
	policies, err := Policies(r.Settings, mounts[r.Settings.AuthMount+"/"].Accessor)
	if err != nil {
		return err
	}
	for _, policy := range policies {
		existing, err := r.vault.Sys().GetPolicyWithContext(ctx, policy.Name)
		if err != nil {
			return fmt.Errorf("read policy %s: %w", policy.Name, err)
		}
		if existing != policy.Rules {
			if err := r.vault.Sys().PutPolicyWithContext(ctx, policy.Name, policy.Rules); err != nil {
				return fmt.Errorf("write policy %s: %w", policy.Name, err)
			}
		}
		r.Report("policy "+policy.Name, existing != policy.Rules)
	}
	return nil
}
