package session

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// loginRefused explains a refused login. Vault says no more than "permission denied", so the message holds what there is to
// compare: the claims of the pod's token, which are no secret, and the causes that are left when those are right.
func loginRefused(auth config.Vault, jwt string, status int) error {
	if status == http.StatusBadRequest {
		return outcome.Wait(ReasonForbidden, 0, "role %q does not exist at auth/%s in Vault yet", auth.Role, auth.AuthPath)
	}
	identity, err := claimsOf(jwt)
	if err != nil {
		return outcome.Wait(ReasonForbidden, 0, "Vault refuses the login as role %q: the pod's ServiceAccount token cannot be read: %v", auth.Role, err)
	}
	if expires := time.Unix(identity.Expires, 0); identity.Expires != 0 && time.Now().After(expires) {
		return outcome.Wait(ReasonForbidden, 0, "Vault refuses the login as role %q: the pod's ServiceAccount token expired at %s, and kubelet has not replaced it",
			auth.Role, expires.UTC().Format(time.RFC3339))
	}
	return outcome.Wait(ReasonForbidden, 0,
		"Vault refuses the login as role %q of %s with audience %q. Compare with the role's bound names, namespaces and audience; "+
			"when they match, Vault cannot review tokens: check its ServiceAccount's system:auth-delegator, kubernetes_host and CA at auth/%s/config",
		auth.Role, identity.Subject, strings.Join(identity.Audience, ","), auth.AuthPath)
}

type claims struct {
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	Expires  int64    `json:"exp"`
}

// claimsOf reads the payload of a token without verifying it: Vault does that, and here it only words a message.
func claimsOf(jwt string) (claims, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return claims{}, fmt.Errorf("it has %d parts instead of 3", len(parts))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, fmt.Errorf("its payload is not base64")
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return claims{}, fmt.Errorf("its payload is not the JSON of a ServiceAccount token")
	}
	return c, nil
}
