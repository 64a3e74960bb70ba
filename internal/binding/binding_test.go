package binding_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/binding"
)

func TestATemplateRenders(t *testing.T) {
	values := map[string]string{"tenant.name": "acme", "app.port": "8000", "tenant.displayName": "${app.port} $${x}"}
	for template, want := range map[string]string{
		"":                                    "",
		"no reference":                        "no reference",
		"${tenant.name}":                      "acme",
		"${tenant.name}${app.port}":           "acme8000",
		"a ${tenant.name} b":                  "a acme b",
		"$${tenant.name}":                     "${tenant.name}",
		"$${a} ${app.port} $${b}":             "${a} 8000 ${b}",
		"$ {tenant.name} $5 } { ${app.port}$": "$ {tenant.name} $5 } { 8000$",
		"${tenant.displayName}":               "${app.port} $${x}", // A value is never read as a template.
		"ä${app.port}ö":                       "ä8000ö",
	} {
		got, err := binding.Template(template).Render(values)
		require.NoError(t, err, template)
		assert.Equal(t, want, got, template)
	}
}

func TestWhatIsWrongWithATemplateIsSaid(t *testing.T) {
	for template, want := range map[string]string{
		"${environment.ulr}":       "${environment.ulr}: no such binding; did you mean ${environment.url}?",
		"${}":                      "${}: no such binding",
		"${ tenant.name }":         "did you mean ${tenant.name}?",
		"${TENANT.NAME}":           "no such binding",
		"${tenant.name":            `no closing "}"`,
		"${app.port} ${":           `no closing "}"`,
		"${key.hex ${tenant.name}": "no such binding",
	} {
		_, err := binding.Template(template).Refs()
		var wrong *binding.Error
		require.ErrorAs(t, err, &wrong, template)
		assert.Contains(t, err.Error(), want, template)
	}
}

func TestRefsAreInOrderAndWithRepeats(t *testing.T) {
	refs, err := binding.Template("${key.hex} $${app.port} ${app.port} ${key.hex}").Refs()
	require.NoError(t, err)
	assert.Equal(t, []string{"key.hex", "app.port", "key.hex"}, refs)
}

func TestAnErrorOfRenderingHoldsNoValue(t *testing.T) {
	_, err := binding.Template("${key.hex} ${admin.password}").Render(map[string]string{"key.hex": "c0ffee"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "${admin.password}: not available here")
	assert.NotContains(t, err.Error(), "c0ffee")
}

func TestAHugeTemplateIsHandledInOneGo(t *testing.T) {
	const n = 100_000
	got, err := binding.Template(strings.Repeat("${app.port}$${", n)).Render(map[string]string{"app.port": "x"})
	require.NoError(t, err)
	assert.Len(t, got, 3*n)

	_, err = binding.Template("${" + strings.Repeat("x", n) + "}").Refs()
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 200, "an error is for people")
	_, err = binding.Template("${" + strings.Repeat("x", n)).Refs()
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 200)
}

func TestBindingsAreSortedAndEachHasADescription(t *testing.T) {
	for i, b := range binding.All {
		assert.NotEmpty(t, b.Doc, b.Name)
		if i > 0 {
			assert.Less(t, binding.All[i-1].Name, b.Name)
		}
		found, ok := binding.Lookup(b.Name)
		assert.True(t, ok)
		assert.Equal(t, b, found)
	}
}

func FuzzALiteralRendersToItself(f *testing.F) {
	for _, s := range []string{"", "$", "${", "$${", "$$${", "${app.port}", "a$${b}${c", "${${${"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := binding.Literal(s).Render(nil)
		if err != nil || got != s {
			t.Errorf("%q became %q, %v", s, got, err)
		}
	})
}

func FuzzNoTemplateMakesItHangOrPanic(f *testing.F) {
	for _, s := range []string{"${app.port}", "$${", "${", "${}", "}${{}}$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		refs, err := binding.Template(s).Refs()
		var wrong *binding.Error
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("%q: %v", s, err)
		}
		if len(refs) > strings.Count(s, "${") {
			t.Errorf("%q has %d references", s, len(refs))
		}
	})
}
