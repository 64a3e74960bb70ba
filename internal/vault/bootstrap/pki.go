package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"
)

// certificateAuthority gives the PKI engine an intermediate CA, unless it has one. Its key is made in Vault and stays there.
func (r run) certificateAuthority(ctx context.Context) error {
	present, err := r.hasIssuer(ctx, r.Settings.PKIMount())
	if err != nil {
		return err
	}
	if !present {
		if err := r.newIntermediate(ctx); err != nil {
			return err
		}
	}
	r.Report("CA in "+r.Settings.PKIMount(), !present)
	return nil
}

func (r run) newIntermediate(ctx context.Context) error {
	if r.CA.Certificate != "" {
		return r.installIntermediate(ctx, r.CA.Certificate)
	}
	request, err := r.generate(ctx, r.Settings.PKIMount()+"/intermediate/generate/internal", "csr", map[string]any{
		"common_name": r.Settings.Prefix + " intermediate CA", "key_type": "ec", "key_bits": 256,
	})
	if err != nil {
		return err
	}
	if r.CA.CSR != nil {
		if err := r.CA.CSR(request); err != nil {
			return fmt.Errorf("hand out the certificate request: %w", err)
		}
		return errors.New("the intermediate CA waits to be signed by your root: run this again with the signed certificate")
	}
	root, err := r.rootCertificate(ctx)
	if err != nil {
		return err
	}
	signed, err := r.generate(ctx, r.Settings.PKIRootMount()+"/root/sign-intermediate", "certificate", map[string]any{
		"csr": request, "common_name": r.Settings.Prefix + " intermediate CA", "ttl": seconds(r.CA.IntermediateTTL),
		// It signs components, never another CA.
		"max_path_length": 0,
	})
	if err != nil {
		return err
	}
	return r.installIntermediate(ctx, signed+"\n"+root)
}

// rootCertificate gives the certificate of the root CA, after making one when there is none.
func (r run) rootCertificate(ctx context.Context) (string, error) {
	mount := r.Settings.PKIRootMount()
	if err := r.engine(ctx, mount, &api.MountInput{
		Type: "pki", Description: "crmkeep: root CA", Config: api.MountConfigInput{MaxLeaseTTL: r.CA.RootTTL.String()},
	}); err != nil {
		return "", err
	}
	present, err := r.hasIssuer(ctx, mount)
	if err != nil {
		return "", err
	}
	if !present {
		return r.generate(ctx, mount+"/root/generate/internal", "certificate", map[string]any{
			"common_name": r.CA.RootCommonName, "ttl": seconds(r.CA.RootTTL), "key_type": "ec", "key_bits": 256, "max_path_length": 1,
		})
	}
	secret, err := r.vault.Logical().ReadWithContext(ctx, mount+"/cert/ca")
	if err != nil {
		return "", fmt.Errorf("read the root CA: %w", err)
	}
	return text(secret, "certificate")
}

func (r run) installIntermediate(ctx context.Context, chain string) error {
	_, err := r.vault.Logical().WriteWithContext(ctx, r.Settings.PKIMount()+"/intermediate/set-signed", map[string]any{"certificate": chain})
	if err != nil {
		return fmt.Errorf("install the intermediate CA: %w", err)
	}
	return nil
}

func (r run) hasIssuer(ctx context.Context, mount string) (bool, error) {
	issuers, err := r.vault.Logical().ListWithContext(ctx, mount+"/issuers")
	if err != nil {
		return false, fmt.Errorf("list the issuers of %s: %w", mount, err)
	}
	return issuers != nil, nil
}

// generate calls path and gives one field of the answer.
func (r run) generate(ctx context.Context, path, field string, body map[string]any) (string, error) {
	secret, err := r.vault.Logical().WriteWithContext(ctx, path, body)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return text(secret, field)
}

func text(secret *api.Secret, field string) (string, error) {
	if secret != nil {
		if value, ok := secret.Data[field].(string); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("the answer of Vault has no %s", field)
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
