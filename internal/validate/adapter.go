package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/adapters"
	"github.com/crmkeep/crmkeep/internal/binding"
	"github.com/crmkeep/crmkeep/internal/spelling"
)

// operatorPassword is the binding by which the migration gives the adapter its account.
const operatorPassword = "adapter.password"

// adapter checks that there is such an adapter, and that it gets an account to work as.
func adapter(s *v1alpha1.CRMClassSpec) error {
	if s.Adapter == "" {
		return nil
	}
	var errs []error
	if known := adapters.Names(); !slices.Contains(known, s.Adapter) {
		errs = append(errs, fmt.Errorf("spec.adapter: there is no adapter %q; did you mean %q?", s.Adapter, spelling.Nearest(s.Adapter, known)))
	}
	if !migrationUses(s, operatorPassword) {
		errs = append(errs, fmt.Errorf("spec.adapter: the adapter works as the account %q, which the migration must make: use ${%s} in spec.files or "+
			"spec.env, with audience: %s", access.OperatorLogin, operatorPassword, audienceMigration))
	}
	if s.Admin != nil && strings.EqualFold(s.Admin.Login, access.OperatorLogin) {
		errs = append(errs, fmt.Errorf("spec.admin.login: %q is the account that the adapter works as; choose another", s.Admin.Login))
	}
	return errors.Join(errs...)
}

// migrationUses tells whether a binding is in what is rendered for the migration.
func migrationUses(s *v1alpha1.CRMClassSpec, name string) bool {
	uses := func(text string) bool {
		refs, _ := binding.Template(text).Refs()
		return slices.Contains(refs, name)
	}
	return slices.ContainsFunc(s.Files, func(f v1alpha1.ClassFile) bool { return f.Audience == audienceMigration && uses(f.Template) }) ||
		slices.ContainsFunc(s.Env, func(e v1alpha1.ClassEnvVar) bool { return e.Audience == audienceMigration && uses(e.Template) })
}
