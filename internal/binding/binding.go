// Package binding is the small template language of a CRMClass: "${name}" stands for the value of a binding and "$${" for a
// literal "${". There are no loops, conditions or functions, so a class can neither hang nor reach what it was not given.
package binding

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/spelling"
)

// Template is text with "${name}" references.
type Template string

// Binding is a value that a class can refer to.
type Binding struct {
	Name string
	// Secret values exist in the pod's memory only: in files and the environment that the agent renders, never in a pod spec.
	Secret bool
	// Doc says what the value is, for the reference.
	Doc string
}

// All bindings, by name.
var All = []Binding{
	{Name: "adapter.login", Doc: "login of crmkeep's own account in the CRM, as which it brings role policies there"},
	{Name: "adapter.password", Secret: true, Doc: "password of crmkeep's own account; in the migration only"},
	{Name: "admin.login", Doc: "login of the CRM's first administrator"},
	{Name: "admin.password", Secret: true, Doc: "password of the first administrator; in the migration only"},
	{Name: "app.port", Doc: "port on localhost that the component must listen on"},
	{Name: "database.host", Doc: "always 127.0.0.1: the agent carries the connection"},
	{Name: "database.name", Doc: "name of the database"},
	{Name: "database.port", Doc: "port on localhost of the database"},
	{Name: "database.user", Doc: "the database role that owns the database; it has no password"},
	{Name: "environment.hostname", Doc: "public host name, or the Service's when none was declared"},
	{Name: "environment.name", Doc: "name of the CRMEnvironment"},
	{Name: "environment.purpose", Doc: "purpose of the CRMEnvironment"},
	{Name: "environment.url", Doc: "URL that people open"},
	{Name: "files.dir", Doc: "folder of the rendered files"},
	{Name: "key.base64", Secret: true, Doc: "data key of the environment, 32 bytes, standard base64"},
	{Name: "key.base64url", Secret: true, Doc: "the data key, base64 for URLs with padding (a Fernet key)"},
	{Name: "key.hex", Secret: true, Doc: "the data key, 64 hexadecimal digits"},
	{Name: "source.keepLogins", Doc: "logins that can still be used in a copy, joined by commas; empty for an environment without a source"},
	{Name: "tenant.displayName", Doc: "display name of the CRMTenant"},
	{Name: "tenant.name", Doc: "name of the CRMTenant"},
	{Name: "version", Doc: "version of the class that is to run"},
}

// Error says what is wrong with a template.
type Error struct {
	// Ref is the reference at fault, without "${" and "}".
	Ref     string
	Problem string
}

func (e *Error) Error() string { return fmt.Sprintf("${%s}: %s", e.Ref, e.Problem) }

// Lookup finds a binding by its name.
func Lookup(name string) (Binding, bool) {
	i := slices.IndexFunc(All, func(b Binding) bool { return b.Name == name })
	if i < 0 {
		return Binding{}, false
	}
	return All[i], true
}

// Refs lists the bindings that t refers to, in order and with repeats. The error is an *Error.
func (t Template) Refs() ([]string, error) {
	var refs []string
	_, err := t.expand(func(name string) (string, error) {
		if _, ok := Lookup(name); !ok {
			shown := start(name)
			return "", &Error{Ref: shown, Problem: "no such binding; did you mean ${" + nearest(shown) + "}?"}
		}
		refs = append(refs, name)
		return "", nil
	})
	return refs, err
}

// Render replaces every reference by its value. The error is an *Error and never holds a value.
func (t Template) Render(values map[string]string) (string, error) {
	return t.expand(func(name string) (string, error) {
		v, ok := values[name]
		if !ok {
			return "", &Error{Ref: name, Problem: "not available here"}
		}
		return v, nil
	})
}

func (t Template) expand(value func(name string) (string, error)) (string, error) {
	var out strings.Builder
	rest := string(t)
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			out.WriteString(rest)
			return out.String(), nil
		}
		if i > 0 && rest[i-1] == '$' {
			out.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		out.WriteString(rest[:i])
		name, after, ok := strings.Cut(rest[i+2:], "}")
		if !ok {
			return "", &Error{Ref: start(rest[i+2:]), Problem: `no closing "}"; write "$${" for a literal "${"`}
		}
		v, err := value(name)
		if err != nil {
			return "", err
		}
		out.WriteString(v)
		rest = after
	}
}

// start is as much of a name as a person needs to find it: what is no name can be as long as a file.
func start(name string) string {
	const longest = 40
	return strings.ToValidUTF8(name[:min(longest, len(name))], "")
}

// nearest gives the known name with the fewest edits from name.
func nearest(name string) string {
	known := make([]string, len(All))
	for i, b := range All {
		known[i] = b.Name
	}
	return spelling.Nearest(name, known)
}

// Literal makes a template that renders to exactly s.
func Literal(s string) Template { return Template(strings.ReplaceAll(s, "${", "$${")) }
