package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// operatorTokenTTL in seconds: short, since a batch token cannot be revoked; the operator logs in again by itself.
const operatorTokenTTL = 1800

// authMethod mounts and configures the Kubernetes auth method. The configuration is written each time it is given: Vault does not
// tell the reviewer's token, so it cannot be compared.
func (r run) authMethod(ctx context.Context) error {
	mounts, err := r.vault.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list auth methods: %w", err)
	}
	mount := r.Settings.AuthMount
	existing := mounts[mount+"/"]
	if existing == nil {
		if err := r.vault.Sys().EnableAuthWithOptionsWithContext(ctx, mount, &api.EnableAuthOptions{Type: "kubernetes"}); err != nil {
			return fmt.Errorf("enable auth method %s: %w", mount, err)
		}
	} else if existing.Type != "kubernetes" {
		return fmt.Errorf("auth method %s has type %s: choose another mount", mount, existing.Type)
	}
	if r.Kubernetes.Host != "" {
		_, err := r.vault.Logical().WriteWithContext(ctx, "auth/"+mount+"/config", map[string]any{
			"kubernetes_host":    r.Kubernetes.Host,
			"kubernetes_ca_cert": r.Kubernetes.CACert,
			"token_reviewer_jwt": r.Kubernetes.ReviewerToken,
			// A Vault that was told what to use is not in a pod of the cluster, where it would find its own.
			"disable_local_ca_jwt": r.Kubernetes.CACert != "" || r.Kubernetes.ReviewerToken != "",
		})
		if err != nil {
			return fmt.Errorf("configure auth method %s: %w", mount, err)
		}
	}
	r.Report("auth method "+mount, existing == nil || r.Kubernetes.Host != "")
	return nil
}

// operatorRole lets the operator's ServiceAccount log in.
func (r run) operatorRole(ctx context.Context) error {
	name := r.Settings.OperatorRole()
	path := r.Settings.AuthRolePath(name)
	want := layout.AuthRole{
		ServiceAccount:       layout.CommaList(r.Kubernetes.ServiceAccount),
		Namespace:            layout.CommaList(r.Kubernetes.Namespace),
		Audience:             r.Settings.Audience,
		TokenPolicies:        layout.CommaList(name),
		TokenNoDefaultPolicy: true,
		TokenType:            "batch",
		TokenTTL:             operatorTokenTTL,
		TokenMaxTTL:          operatorTokenTTL,
	}
	secret, err := r.vault.Logical().ReadWithContext(ctx, path)
	if err != nil {
		return fmt.Errorf("read role %s: %w", name, err)
	}
	same := secret != nil && isRole(secret.Data, want)
	if !same {
		body, err := json.Marshal(want)
		if err != nil {
			return err
		}
		if _, err := r.vault.Logical().WriteBytesWithContext(ctx, path, body); err != nil {
			return fmt.Errorf("write role %s: %w", name, err)
		}
	}
	r.Report("role "+name, !same)
	return nil
}

func isRole(data map[string]any, want layout.AuthRole) bool {
	var have layout.AuthRole
	raw, err := json.Marshal(data)
	return err == nil && json.Unmarshal(raw, &have) == nil && reflect.DeepEqual(have, want)
}
