package layout_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

func TestACommaListIsReadInBothFormsOfVaultsAPI(t *testing.T) {
	for _, form := range []string{`"a,b"`, `["a","b"]`} {
		var list layout.CommaList
		if err := json.Unmarshal([]byte(form), &list); err != nil || list != "a,b" {
			t.Errorf("%s: %q, %v", form, list, err)
		}
	}
}

func TestEveryComponentHasTheCertificateAndNoListRepeats(t *testing.T) {
	settings := layout.Default()
	lists := settings.PolicyLists()
	if len(lists) != 6 || len(slices.Compact(slices.Clone(lists))) != 6 {
		t.Fatalf("lists: %q", lists)
	}
	for _, list := range lists {
		if !strings.Contains(string(list), settings.PolicyName(layout.GrantCertificate)) {
			t.Errorf("%q has no certificate", list)
		}
	}
}

func TestSettingsThatVaultCouldNotTakeAreRefused(t *testing.T) {
	if err := layout.Default().Validate(); err != nil {
		t.Fatalf("the defaults: %v", err)
	}
	cases := map[string]struct {
		spoil func(*layout.Settings)
		want  string
	}{
		"a prefix with a slash":              {func(s *layout.Settings) { s.Prefix = "a/b" }, "prefix"},
		"a prefix with a dot":                {func(s *layout.Settings) { s.Prefix = "a.b" }, "prefix"},
		"an auth mount with a glob":          {func(s *layout.Settings) { s.AuthMount = "kube*" }, "auth mount"},
		"no audience":                        {func(s *layout.Settings) { s.Audience = "" }, "audience"},
		"an audience that is a glob":         {func(s *layout.Settings) { s.Audience = "*" }, "audience"},
		"a certificate that lives for years": {func(s *layout.Settings) { s.CertificateTTL = 10000 * time.Hour }, "certificate"},
		"a rotation each minute":             {func(s *layout.Settings) { s.KeyRotationPeriod = time.Minute }, "rotation"},
		"a token that never ends":            {func(s *layout.Settings) { s.TokenTTL = 0 }, "token"},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			settings := layout.Default()
			c.spoil(&settings)
			if err := settings.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
