package render

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/binding"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// ReasonTemplateInvalid is the reason of a template or name that only an edit of the class can mend.
const ReasonTemplateInvalid = "TemplateInvalid"

// ownerOnly is the mode of a file that says nothing else.
const ownerOnly fs.FileMode = 0o400

var (
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	reserved = []string{config.CertFile, config.KeyFile, config.CAFile, config.EnvFile, config.ReadyFile}
)

// Application writes the files and the environment that cfg declares. secrets are the values that cfg itself does not hold. No
// error holds a value.
func Application(dir *Dir, cfg *config.Config, secrets map[string]secret.String) error {
	values := map[string]string{}
	for _, v := range cfg.Values {
		values[v.Name] = v.Value
	}
	for name, v := range secrets {
		values[name] = v.Reveal()
	}
	for _, file := range cfg.Files {
		if err := application(dir, file, values); err != nil {
			return err
		}
	}
	environment, err := Environment(cfg.Env, values)
	if err != nil {
		return err
	}
	_, err = dir.Write(config.EnvFile, environment, ownerOnly)
	return err
}

func application(dir *Dir, file config.File, values map[string]string) error {
	mode := fs.FileMode(file.Mode)
	if mode == 0 {
		mode = ownerOnly
	}
	if !plainName(file.Name) || slices.Contains(reserved, file.Name) || strings.HasPrefix(file.Name, ".draft.") {
		return outcome.Reject(ReasonTemplateInvalid, "file %q: the name is reserved or leads out of the folder", file.Name)
	}
	if mode&^fs.ModePerm != 0 {
		return outcome.Reject(ReasonTemplateInvalid, "file %q: mode %o has more than permissions", file.Name, file.Mode)
	}
	content, err := render("file", file.Name, file.Template, values)
	if err != nil {
		return err
	}
	_, err = dir.Write(file.Name, []byte(content), mode)
	return err
}

// Environment renders variables as NAME=value records that each end in NUL, so that a value may hold anything else.
func Environment(vars []config.Env, values map[string]string) ([]byte, error) {
	var out bytes.Buffer
	for _, v := range vars {
		if !envName.MatchString(v.Name) {
			return nil, outcome.Reject(ReasonTemplateInvalid, "environment variable %q: not a valid name", v.Name)
		}
		value, err := render("environment variable", v.Name, v.Template, values)
		if err != nil {
			return nil, err
		}
		if strings.ContainsRune(value, 0) {
			return nil, outcome.Reject(ReasonTemplateInvalid, "environment variable %q: the value holds a NUL", v.Name)
		}
		fmt.Fprintf(&out, "%s=%s\x00", v.Name, value)
	}
	return out.Bytes(), nil
}

func render(kind, name string, template binding.Template, values map[string]string) (string, error) {
	text, err := template.Render(values)
	if err != nil {
		return "", outcome.Reject(ReasonTemplateInvalid, "%s %q: %v", kind, name, err)
	}
	return text, nil
}

// Certificate writes a pair and its CA for a program that does its own TLS. The key comes first and is always the same, so a
// certificate never stands beside a key that is not its own.
func Certificate(dir *Dir, chain, authorities []byte, key secret.String) error {
	for _, file := range []struct {
		name    string
		content []byte
	}{
		{config.KeyFile, []byte(key.Reveal())},
		{config.CAFile, authorities},
		{config.CertFile, chain},
	} {
		if _, err := dir.Write(file.name, file.content, ownerOnly); err != nil {
			return err
		}
	}
	return nil
}

// Ready marks that everything was rendered.
func Ready(dir *Dir) error {
	_, err := dir.Write(config.ReadyFile, nil, ownerOnly)
	return err
}
