package bootstrap

import (
	"embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

//go:embed policies/*.hcl
var files embed.FS

var templates = template.Must(template.New("").Option("missingkey=error").ParseFS(files, "policies/*.hcl"))

// Policy is one of Vault's ACL policies.
type Policy struct {
	Name string
	// Rules in HCL.
	Rules string
}

// Policies are all that crmkeep needs: the operator's first, then one for each grant. accessor is that of the Kubernetes auth
// mount, by which Vault finds what it fills in.
func Policies(settings layout.Settings, accessor string) ([]Policy, error) {
	alias := func(field string) string {
		return fmt.Sprintf("{{identity.entity.aliases.%s.metadata.%s}}", accessor, field)
	}
	values := map[string]any{
		"Transit":        settings.TransitMount(),
		"PKI":            settings.PKIMount(),
		"KV":             settings.KVMount(),
		"Locations":      layout.LocationsPath,
		"AuthMount":      settings.AuthMount,
		"AuthRolePrefix": settings.AuthRolePrefix(),
		"Audience":       settings.Audience,
		"PolicyLists":    settings.PolicyLists(),
		"Namespaces":     naming.HomeNamespace("*"),
		"Namespace":      alias("service_account_namespace"),
		"ServiceAccount": alias("service_account_name"),
	}
	operator, err := render(settings.OperatorRole(), "operator", values)
	if err != nil {
		return nil, err
	}
	policies := []Policy{operator}
	for _, grant := range layout.Grants() {
		policy, err := render(settings.PolicyName(grant), string(grant), values)
		if err != nil {
			return nil, err
		}
		policies = append(policies, policy)
	}
	return policies, nil
}

func render(name, file string, values map[string]any) (Policy, error) {
	var rules strings.Builder
	if err := templates.ExecuteTemplate(&rules, file+".hcl", values); err != nil {
		return Policy{}, fmt.Errorf("policy %s: %w", name, err)
	}
	return Policy{Name: name, Rules: rules.String()}, nil
}
