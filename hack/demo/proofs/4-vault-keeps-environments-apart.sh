#!/usr/bin/env bash
# With all that a pod of environment test has, nothing of production can be read from Vault. Tried in such a pod.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
web=$(web_of test)
own=$(namespace_of test)
other=$(namespace_of prod)
pod=$(kubectl get pod -n "$own" -l "crmkeep.io/component=$web" -o jsonpath='{.items[0].metadata.name}')

# ask ROLE METHOD PATH: logs in to Vault in the pod, as its agent does, and gives the status codes of the login and of a request.
ask() {
	break_glass create token "$web" -n "$own" --audience vault --duration 10m |
		python "$own/$pod" "$DEMO/vault.py" "$POD_VAULT_ADDR" "$(<"$VAULT_CACERT")" "$@"
}

# Vault misses the certificate request in the body, so it has let the caller in.
expect 'login 200, request 400' "$(ask "crmkeep.$own.$web" POST "crmkeep-pki/sign/$own.$web")" 'a certificate in its own name: allowed'
expect 'login 200, request 403' "$(ask "crmkeep.$own.$web" GET "crmkeep-kv/data/$other/data-key")" "production's wrapped data key: forbidden"
expect 'login 200, request 403' "$(ask "crmkeep.$own.$web" GET "crmkeep-kv/data/$other/admin")" "production's administrator: forbidden"
expect 'login 200, request 403' "$(ask "crmkeep.$own.$web" POST "crmkeep-transit/decrypt/$other")" "unwrapping with production's key: forbidden"
expect 'login 200, request 403' "$(ask "crmkeep.$own.$web" POST "crmkeep-pki/sign/$other.$web")" "a certificate in production's name: forbidden"
expect 'login 403' "$(ask "crmkeep.$other.$web" GET "crmkeep-kv/data/$other/data-key")" "logging in with production's role: forbidden"
