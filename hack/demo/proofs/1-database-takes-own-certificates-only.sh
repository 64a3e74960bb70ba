#!/usr/bin/env bash
# Postgres of one environment refuses who has no certificate, and who has one of another environment. Tried from where the
# network lets one through, so that it is the database that refuses; and with the right certificate too, so that it would accept.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
use_cluster
namespace=$(namespace_of prod)
web=$(web_of prod)
database=$(database_of prod)
ca=$(ca_chain)

# pair_of ENVIRONMENT: a certificate and its key, as that environment's own pod would have them signed.
pair_of() {
	local other
	other=$(namespace_of "$1")
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$TENANT.$1.$web" -keyout "$work/key" -out "$work/csr" 2>/dev/null
	jq -n --rawfile csr "$work/csr" --arg cn "$TENANT.$1.$web.k" '{csr: $csr, common_name: $cn}' |
		vault "$(token_of "$1" "$web")" POST "crmkeep-pki/sign/$other.$web" | jq -r '.data | .certificate, .ca_chain[]?'
	cat "$work/key"
}

connect() { # connect PAIR
	python "$namespace/$(kubectl get pod -n "$namespace" -l "crmkeep.io/component=$web" -o jsonpath='{.items[0].metadata.name}')" \
		"$DEMO/postgres.py" "database.$namespace.svc" "$database" "$ca" <<<"$1"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077
expect 'accepted as' "$(connect "$(pair_of prod)")" 'a certificate of this environment is accepted'
expect 'requires a valid client certificate' "$(connect '')" 'no certificate: Postgres refuses'
expect 'certificate authentication failed' "$(connect "$(pair_of test)")" "a valid certificate of environment test: Postgres refuses"
