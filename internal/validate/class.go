package validate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/binding"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

const audienceMigration = "Migration"

// scope says which bindings a template may use.
type scope struct {
	// secrets may stand in what the agent renders, and never in a command or a request.
	secrets bool
	// migration may use passwords of accounts.
	migration bool
	// lacks has the first part of each binding that the class has no value for, with the field that would give it one.
	lacks map[string]string
}

// lacking tells which bindings a class has no value for.
func lacking(s *v1alpha1.CRMClassSpec) map[string]string {
	lacks := map[string]string{}
	if s.Admin == nil {
		lacks["admin"] = "spec.admin"
	}
	if s.Adapter == "" {
		lacks["adapter"] = "spec.adapter"
	}
	if s.DataKey == nil {
		lacks["key"] = "spec.dataKey"
	}
	return lacks
}

// Class checks a class's templates. The error is an outcome.Invalid that lists everything that is wrong.
func Class(class *v1alpha1.CRMClass) error {
	s := &class.Spec
	plain := scope{lacks: lacking(s)}
	rendered := scope{secrets: true, lacks: plain.lacks}
	var errs []error
	for i, f := range s.Files {
		errs = append(errs, template(fmt.Sprintf("spec.files[%d].template", i), f.Template, rendered.forAudience(f.Audience)))
	}
	for i, e := range s.Env {
		errs = append(errs, template(fmt.Sprintf("spec.env[%d].template", i), e.Template, rendered.forAudience(e.Audience)))
	}
	errs = append(errs, command("spec.migration.command", s.Migration.Command, plain))
	if s.Neutralise != nil {
		errs = append(errs, command("spec.neutralise.command", s.Neutralise.Command, plain))
	}
	for i, c := range s.Components {
		field := fmt.Sprintf("spec.components[%d]", i)
		errs = append(errs, command(field+".command", c.Command, plain),
			request(field+".readiness", c.Readiness, plain), request(field+".liveness", c.Liveness, plain))
	}
	for i := range s.Checks {
		field := fmt.Sprintf("spec.checks[%d]", i)
		errs = append(errs, request(field+".http", s.Checks[i].HTTP, plain), command(field+".command", s.Checks[i].Command, plain))
	}
	errs = append(errs, structure(s), upgrades(s), sizes(s), sizeQuantities(s), objects(s), adapter(s))
	if err := errors.Join(errs...); err != nil {
		return outcome.Reject(v1alpha1.ReasonInvalid, "%s", err)
	}
	return nil
}

func (s scope) forAudience(audience string) scope {
	s.migration = audience == audienceMigration
	return s
}

func command(field string, args []string, s scope) error {
	var errs []error
	for i, a := range args {
		errs = append(errs, template(fmt.Sprintf("%s[%d]", field, i), a, s))
	}
	return errors.Join(errs...)
}

func request(field string, c *v1alpha1.HTTPCheck, s scope) error {
	if c == nil {
		return nil
	}
	return errors.Join(template(field+".path", c.Path, s), template(field+".body", c.Body, s))
}

func template(field, text string, s scope) error {
	refs, err := binding.Template(text).Refs()
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	for _, ref := range refs {
		if problem := s.refuses(ref); problem != "" {
			return fmt.Errorf("%s: %w", field, &binding.Error{Ref: ref, Problem: problem})
		}
	}
	return nil
}

func (s scope) refuses(ref string) string {
	b, _ := binding.Lookup(ref)
	of, _, _ := strings.Cut(ref, ".")
	switch {
	case b.Secret && !s.secrets:
		return "is secret and would stand in a pod spec; use it in spec.files or spec.env"
	case s.lacks[of] != "":
		return "the class has no " + s.lacks[of]
	case b.Secret && of != "key" && !s.migration:
		return "is for the migration only; set audience: " + audienceMigration
	}
	return ""
}

// upgrades checks that versions name versions.
func upgrades(s *v1alpha1.CRMClassSpec) error {
	known := make(map[string]bool)
	for _, v := range s.Versions {
		known[v.Name] = true
	}
	var errs []error
	for i, v := range s.Versions {
		for _, from := range v.UpgradesFrom {
			if !known[from] {
				errs = append(errs, fmt.Errorf("spec.versions[%d].upgradesFrom: %q is not the name of one of versions", i, from))
			}
		}
	}
	return errors.Join(errs...)
}

// sizes checks that sizes speak of components and volumes that are there.
func sizes(s *v1alpha1.CRMClassSpec) error {
	known := make(map[string]bool)
	for _, c := range s.Components {
		known["component "+c.Name] = true
	}
	for _, v := range s.Volumes {
		known["volume "+v.Name] = true
	}
	var errs []error
	for i, size := range s.Sizes {
		for _, c := range size.Components {
			if !known["component "+c.Name] {
				errs = append(errs, fmt.Errorf("spec.sizes[%d].components: %q is not the name of one of components", i, c.Name))
			}
		}
		for _, v := range size.Volumes {
			if !known["volume "+v.Name] {
				errs = append(errs, fmt.Errorf("spec.sizes[%d].volumes: %q is not the name of one of volumes", i, v.Name))
			}
		}
	}
	return errors.Join(errs...)
}
