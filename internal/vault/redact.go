package vault

import (
	"regexp"
	"strings"

	"github.com/hashicorp/vault/api"
)

const (
	redacted       = "[redacted]"
	longestMessage = 300
)

// secretShapes are what tokens, certificates, keys and what is encrypted with them look like.
var secretShapes = regexp.MustCompile(strings.Join([]string{
	`(?s)-----BEGIN .*?(-----END [A-Z ]+-----|$)`,
	`\b(hv[sbr]|[sbr])\.[A-Za-z0-9_-]{20,}`,
	`\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)?`,
	`vault:v[0-9]+:[A-Za-z0-9+/=_-]+`,
	`[A-Za-z0-9+/=]{40,}`,
}, "|"))

// redact gives the messages of Vault's answer without anything that looks secret. An answer that is not Vault's, such as a proxy's
// page, is left out: nothing is known about what it quotes.
func redact(response *api.ResponseError) string {
	if response.RawError {
		return "an answer that is not Vault's"
	}
	text := secretShapes.ReplaceAllString(strings.Join(response.Errors, "; "), redacted)
	if len(text) > longestMessage {
		text = strings.ToValidUTF8(text[:longestMessage], "") + "…"
	}
	return text
}
