// Package secrets plans what an environment has in Vault. It is pure: the same code serves the operator and `crmkeep plan`.
package secrets

import (
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Environment is what the plan needs to know of one.
type Environment struct {
	Tenant string
	Name   string
	// Namespace is the workload namespace.
	Namespace  string
	Components []Component
	// Unfilled tells that the data key comes with the data of another environment.
	Unfilled bool
}

// Component runs under its own ServiceAccount and can do in Vault what it needs, nothing else.
type Component struct {
	Name           string
	ServiceAccount string
	// DNSNames that its certificate may carry besides its common name: complete names, no wildcards.
	DNSNames []string
	// NeedsDataKey lets it unwrap the environment's data key.
	NeedsDataKey bool
	// NeedsAdmin lets it make and read the CRM's first administrator, and NeedsAdapter crmkeep's own account. In Vault they are one grant.
	NeedsAdmin, NeedsAdapter bool
	// Run is layout.GrantBackup or layout.GrantRestore for what makes or reads backups, and empty for everything else.
	Run layout.Grant
}

// Layout plans an environment. An environment's own key rotation and certificate lifetime go into settings before.
func Layout(settings layout.Settings, environment Environment) layout.Layout {
	planned := layout.Layout{
		EncryptionKey: layout.TransitKey{
			Name:             layout.EncryptionKeyName(environment.Namespace),
			Type:             layout.AES256,
			AutoRotatePeriod: seconds(settings.KeyRotationPeriod),
		},
		// Evidence is verified by the public key of the version that signed it: rotating buys nothing.
		EvidenceKey: layout.TransitKey{Name: layout.EvidenceKeyName(environment.Namespace), Type: layout.Ed25519},
		DataKey: layout.DataKey{
			Path:   layout.DataKeyPath(environment.Namespace),
			Wanted: !environment.Unfilled && slices.ContainsFunc(environment.Components, func(c Component) bool { return c.NeedsDataKey }),
		},
		Admin:       layout.AdminPath(environment.Namespace),
		Adapter:     layout.AdapterPath(environment.Namespace),
		Invitations: layout.InvitationsPath(environment.Namespace),
		RolePrefix:  layout.PKIRoleName(environment.Namespace, ""),
	}
	for _, component := range environment.Components {
		planned.Roles = append(planned.Roles, role(settings, environment, component))
	}
	slices.SortFunc(planned.Roles, func(a, b layout.Role) int { return strings.Compare(a.PKI.Name, b.PKI.Name) })
	return planned
}

func role(settings layout.Settings, environment Environment, component Component) layout.Role {
	var grants []layout.Grant
	if component.NeedsDataKey {
		grants = append(grants, layout.GrantDataKey)
	}
	if component.NeedsAdmin || component.NeedsAdapter {
		grants = append(grants, layout.GrantAdmin)
	}
	if component.Run != "" {
		grants = append(grants, component.Run)
	}
	return layout.Role{
		PKI: pkiRole(settings, environment, component),
		Auth: layout.AuthRole{
			Name:                 settings.AuthRoleName(environment.Namespace, component.ServiceAccount),
			ServiceAccount:       layout.CommaList(component.ServiceAccount),
			Namespace:            layout.CommaList(environment.Namespace),
			Audience:             settings.Audience,
			TokenPolicies:        settings.PolicyList(grants...),
			TokenNoDefaultPolicy: true,
			// Batch tokens are not stored: thousands of pods cost Vault no writes and no leases.
			TokenType:   "batch",
			TokenTTL:    seconds(settings.TokenTTL),
			TokenMaxTTL: seconds(settings.TokenTTL),
		},
	}
}

func pkiRole(settings layout.Settings, environment Environment, component Component) layout.PKIRole {
	names := slices.Clone(component.DNSNames)
	slices.Sort(names)
	commonName := naming.CommonName(environment.Tenant, environment.Name, component.Name)
	return layout.PKIRole{
		Name:             layout.PKIRoleName(environment.Namespace, component.ServiceAccount),
		AllowedDomains:   append([]string{commonName}, slices.Compact(names)...),
		AllowBareDomains: true,
		EnforceHostnames: true,
		KeyType:          "ec",
		KeyBits:          256,
		KeyUsage:         []string{"DigitalSignature"},
		ServerFlag:       true,
		ClientFlag:       true,
		TTL:              seconds(settings.CertificateTTL),
		MaxTTL:           seconds(settings.CertificateTTL),
		NoStore:          true,
	}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
