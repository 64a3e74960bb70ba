# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
# What the demo, its proofs and the end-to-end tests share. Sourced, never run.
set -euo pipefail

DEMO=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(dirname "$(dirname "$DEMO")")
STATE=$(realpath -m "${CRMKEEP_CLUSTER_STATE:-$REPO/.local/node}")

# The namespace that stands for the ingress controller's: people's requests come from there.
CLIENT=demo-ingress
STRANGER=demo-stranger
TENANT=${CRMKEEP_TENANT:-acme}
HOME_NAMESPACE=crm-$TENANT
ENVIRONMENTS=(prod test leaving)
# The backup locations of the local node.
LOCATIONS=(near far)

die() {
	echo "error: $*" >&2
	exit 1
}

# local_node: does the demo run on the cluster that it makes itself? Otherwise on the one that KUBECONFIG names.
local_node() { [ -z "${KUBECONFIG:-}" ] || [ "$KUBECONFIG" = "$STATE/admin.kubeconfig" ]; }

# use_cluster: points kubectl and the functions below at the cluster and its Vault.
use_cluster() {
	if local_node; then
		local programs
		programs=$("$REPO/hack/cluster/scripts/build.sh" --path)
		export PATH=$programs:$PATH KUBECONFIG=$STATE/admin.kubeconfig
		# The address in the pods' network; the development Vault's certificate names it.
		export VAULT_ADDR=https://10.96.0.20:8200 VAULT_CACERT=$STATE/vault/ca.crt
		POD_VAULT_ADDR=https://vault.vault.svc:8200
	else
		: "${VAULT_ADDR:?must be the URL of Vault, the same from here and from pods}"
		: "${VAULT_CACERT:?must be a file with the CA of Vault\'s certificate}"
		: "${VAULT_TOKEN:?must be a token that may set Vault up}"
		POD_VAULT_ADDR=$VAULT_ADDR
	fi
}

# setup_token: the token of whoever sets Vault up. crmkeep never gets it.
setup_token() { if local_node; then jq -r .RootToken "$STATE/vault/keys.json"; else echo "$VAULT_TOKEN"; fi; }

# vault TOKEN METHOD PATH: sends standard input when METHOD takes a body. Tokens and bodies go through file descriptors:
# the process list is no place for them.
vault() {
	local body=()
	case $2 in POST | PUT) body=(--data-binary @-) ;; esac
	curl -sS --fail-with-body --cacert "$VAULT_CACERT" -H @<(printf 'X-Vault-Token: %s\n' "$1") -X "$2" "${body[@]}" "$VAULT_ADDR/v1/$3"
}

# namespace_of ENVIRONMENT: where its pods run.
namespace_of() { echo "$HOME_NAMESPACE--$1"; }

# break_glass ARGUMENT...: kubectl as one who may get into what crmkeep runs. Nobody may by default, cluster administrators
# included: see config/rbac/override_role.yaml.
break_glass() { kubectl --as=demo-break-glass "$@"; }

# token_of ENVIRONMENT COMPONENT: a Vault token of that component, got as its own pod gets it.
token_of() {
	local namespace jwt
	namespace=$(namespace_of "$1")
	jwt=$(break_glass create token "$2" -n "$namespace" --audience vault --duration 10m)
	printf '{"role":"crmkeep.%s.%s","jwt":"%s"}' "$namespace" "$2" "$jwt" | vault '' POST auth/kubernetes/login | jq -r .auth.client_token
}

# officer_token ENVIRONMENT: the token of a person who is answerable for its customer data: reads the first administrator and
# unwraps the data key. The demo and its proofs act as that person.
officer_token() {
	local namespace
	namespace=$(namespace_of "$1")
	jq -n --arg n "$namespace" '{policy: ("path \"crmkeep-kv/data/\($n)/*\" {capabilities = [\"read\"]}\n" +
		"path \"crmkeep-kv/metadata/\($n)/invitations\" {capabilities = [\"list\"]}\n" +
		"path \"crmkeep-transit/decrypt/\($n)\" {capabilities = [\"update\"]}\n" +
		"path \"crmkeep-transit/keys/\($n)\" {capabilities = [\"read\"]}")}' |
		vault "$(setup_token)" PUT "sys/policies/acl/demo-officer-$namespace"
	jq -n --arg n "$namespace" '{policies: ["demo-officer-\($n)"], no_default_policy: true, ttl: "15m", display_name: "demo-officer"}' |
		vault "$(setup_token)" POST auth/token/create-orphan | jq -r .auth.client_token
}

# admin_password ENVIRONMENT TOKEN: of the first administrator. Never print it.
admin_password() { vault "$2" GET "crmkeep-kv/data/$(namespace_of "$1")/admin" | jq -r .data.data.password; }

# ca_chain: the CA that certificates of environments chain to, PEM. It is public.
ca_chain() { vault '' GET crmkeep-pki/ca_chain; }

# python NAMESPACE/POD FILE ARGUMENT...: runs a script in a pod's main container; standard input is the script's.
python() {
	local kubectl=kubectl
	case $1 in crm-*) kubectl=break_glass ;; esac
	$kubectl exec -i -n "${1%/*}" "${1#*/}" -c main -- python3 -c "$(<"$2")" "${@:3}"
}

# web_of ENVIRONMENT: the component that people open, of the class that the environment has.
class_of() { kubectl get crmclass "$(kubectl get -n "$HOME_NAMESPACE" crmenvironment "$1" -o jsonpath='{.spec.classRef.name}')" -o json; }
web_of() { class_of "$1" | jq -r '.spec.components[] | select(.type == "Web").name'; }
database_of() { class_of "$1" | jq -r .spec.database.name; }
# tryton_of ENVIRONMENT: the URL at which its Tryton is asked.
tryton_of() {
	class_of "$1" | jq -r --arg namespace "$(namespace_of "$1")" \
		'"https://\(.spec.components[] | select(.type == "Web").name).\($namespace).svc/\(.spec.database.name)/"'
}

# person ENVIRONMENT FILE URL-PATH ARGUMENT...: runs a script as the first administrator, whose password is its standard input,
# from behind the ingress controller. The script gets the URL and the CA to trust as its first arguments.
person() {
	admin_password "$1" "$(officer_token "$1")" |
		python "$CLIENT/client" "$2" "https://$(web_of "$1").$(namespace_of "$1").svc/$3" "$(ca_chain)" "${@:4}"
}

# crm ENVIRONMENT ARGUMENT...: what the first administrator does in Tryton, see crm.py.
crm() { admin_password "$1" "$(officer_token "$1")" | in_tryton "$1" crm.py "${@:2}"; }

# in_tryton ENVIRONMENT FILE ARGUMENT...: runs a script of this folder on Tryton from behind the ingress controller, with the password that is
# its standard input.
in_tryton() { python "$CLIENT/client" "$DEMO/$2" "$(tryton_of "$1")" "$(ca_chain)" "${@:3}"; }

# first_password ENVIRONMENT LOGIN TOKEN: that crmkeep has made for a person. Never print it.
first_password() {
	local name
	name=$(printf %s "$2" | sha256sum | cut -c1-32)
	vault "$3" GET "crmkeep-kv/data/$(namespace_of "$1")/invitations/$name" | jq -r .data.data.password
}

# colleague ENVIRONMENT LOGIN ARGUMENT...: what somebody with a role does in Tryton with the first password, or the administrator "admin" with
# theirs, from behind the ingress controller; see colleague.py.
colleague() {
	local token
	token=$(officer_token "$1")
	if [ "$2" = admin ]; then admin_password "$1" "$token"; else first_password "$1" "$2" "$token"; fi | colleague_with "$@"
}

# colleague_with ENVIRONMENT LOGIN ARGUMENT...: the same with the password that is its standard input.
colleague_with() { in_tryton "$1" colleague.py "${@:2}"; }

# await SECONDS WHAT COMMAND...: retry until it succeeds.
await() {
	local until=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || die "timed out waiting for $what"
		sleep 0.5
	done
}

# condition NAME STATUS ENVIRONMENT SECONDS: wait for a condition that speaks of the newest generation.
condition() {
	kubectl wait -n "$HOME_NAMESPACE" "crmenvironment/$3" --for="condition=$1=$2" --timeout="$4s" >/dev/null || {
		kubectl get -n "$HOME_NAMESPACE" "crmenvironment/$3" -o json | jq -r '.status.conditions[]? | "\(.type)=\(.status) \(.reason): \(.message)"' >&2
		die "environment $3: $1 did not become $2 within $4 s"
	}
}

# field KIND NAME PATH: of an object in the tenant's home. ended KIND NAME: does it say that it is over?
field() { kubectl get -n "$HOME_NAMESPACE" "$1" "$2" -o jsonpath="{$3}"; }
ended() { [ -n "$(field "$1" "$2" .status.completedAt)" ]; }

# Proofs print one line for each thing that was tried.
holds() { printf '    ✓ %s\n' "$*"; }
broken() {
	printf '    ✗ %s\n' "$*" >&2
	exit 1
}
# expect WORDS TEXT WHAT: TEXT must contain WORDS.
expect() { case $2 in *"$1"*) holds "$3" ;; *) broken "$3: got ${2:-nothing}" ;; esac; }
