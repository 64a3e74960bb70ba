#!/usr/bin/env bash
# Makes a cluster with Vault and crmkeep in it, or finds what is there and brings it up to date. Nothing is declared yet.
#
#   install.sh [IMAGE...]  on a local node of its own, with further images of hack/images; needs root
#   KUBECONFIG=... VAULT_ADDR=... VAULT_CACERT=... VAULT_TOKEN=... install.sh
#                          on a cluster that is there, with kubectl, and with a Vault that has the auth method "kubernetes" for it. The images
#                          crmkeep.local/{crmkeep:dev,postgres:15,tryton:6.0} must be on its nodes: see hack/images. Pods that
#                          are no Vault's must not match namespace "vault": mend hack/demo/values.yaml for your network
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# crmkeep first: the operator starts while the others are imported.
IMAGES=(crmkeep postgres tryton "$@")

step() { # step WHAT COMMAND...
	local what=$1 began=$SECONDS
	shift
	printf '[%3d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$what"
	"$@"
	printf '         %d s\n' $((SECONDS - began))
}

# Downloading and linking leave a core idle, so programs are built in two rows side by side. Images of others need none of our programs: they
# are made beside both. What fails there is made again by images(), in the open.
programs() {
	local row
	if local_node; then
		"$REPO/hack/images/build.sh" "${IMAGES[@]:1}" >/dev/null 2>&1 &
		beside=$!
	fi
	other_programs >/dev/null &
	row=$!
	make --no-print-directory -C "$REPO" build
	if local_node; then "$REPO/hack/cluster/scripts/build.sh" --node; fi
	wait "$row"
}

# Helm comes last: most of it is compiled with crmkeep, in the other row.
other_programs() {
	if local_node; then
		"$REPO/hack/devvault/build.sh"
		"$REPO/hack/tools/install.sh" versitygw restic
	fi
	"$REPO/hack/tools/install.sh" helm
}

images() {
	wait "$beside" || true
	"$REPO/hack/images/build.sh" --binary "$REPO/bin/crmkeep" "${IMAGES[@]}"
}

cluster() { "$REPO/hack/cluster/scripts/up.sh" node >/dev/null; }

# Importing takes seconds, so what this node has already is left out.
import() { # import NAME...
	local name archive mark
	for name; do
		archive=$REPO/.build/images/$name.tar
		mark=$STATE/imported/$name-$(stat -c '%i-%Y-%s' "$archive")
		[ ! -e "$mark" ] || continue
		"$REPO/hack/cluster/scripts/import.sh" "$archive"
		mkdir -p "$STATE/imported"
		rm -f "$STATE/imported/$name"-*
		touch "$mark"
	done
}

# The images of what is declared later are imported while the operator is installed.
import_others() {
	import "${IMAGES[@]:1}" >"$STATE/log/import.log" 2>&1 &
	importing=$!
}

others_imported() {
	wait "$importing" || {
		cat "$STATE/log/import.log" >&2
		die 'an image could not be imported'
	}
}

development_vault() { "$REPO/hack/cluster/scripts/vault.sh"; }

bootstrap() {
	VAULT_TOKEN=$(setup_token) "$REPO/bin/crmkeep" vault bootstrap --address "$VAULT_ADDR" --ca-file "$VAULT_CACERT" | sed 's/^/         /'
	# Vault's own record of who asked for what; it holds digests where secrets were.
	if local_node && ! vault "$(setup_token)" GET sys/audit | jq -e '.data["file/"]' >/dev/null; then
		echo '{"type":"file","options":{"file_path":"/vault/audit.log"}}' | vault "$(setup_token)" PUT sys/audit/file
	fi
}

operator() {
	# Helm installs definitions once and never changes them.
	kubectl apply --server-side --force-conflicts -f "$REPO/config/crd" >/dev/null
	kubectl apply -f "$DEMO/namespace.yaml" >/dev/null
	# The image has the same name whatever is in it, so a new program must show in the pod.
	"$("$REPO/hack/tools/install.sh" helm)" upgrade --install crmkeep "$REPO/charts/crmkeep" --namespace crmkeep-system \
		--values "$DEMO/values.yaml" --set "settings.vault.address=$POD_VAULT_ADDR" --set-file "settings.vault.caBundle=$VAULT_CACERT" \
		--set-string "podAnnotations.program=$(sha256sum "$REPO/bin/crmkeep" | cut -c1-16)" --wait --timeout 180s >/dev/null 2> >(grep -v 'found symbolic link' >&2)
}

# locations: two S3 servers outside the cluster, what crmkeep needs to get in, and their declaration.
locations() {
	local name files
	"$REPO/hack/cluster/scripts/s3.sh" "${LOCATIONS[@]}"
	for name in "${LOCATIONS[@]}"; do
		files=$STATE/s3/$name
		if ! vault "$(setup_token)" GET "crmkeep-kv/metadata/locations/$name" >/dev/null 2>&1; then
			jq '{data: ., options: {cas: 0}}' "$files/keys.json" | vault "$(setup_token)" POST "crmkeep-kv/data/locations/$name" >/dev/null
		fi
		location "$name" "$(<"$files/url")" "$(<"$files/ca.crt")" | kubectl apply -f - >/dev/null
	done
	kubectl wait crmbackuplocations "${LOCATIONS[@]}" --for=condition=Ready --timeout=60s >/dev/null
}

location() { # location NAME URL CA
	local host=${2#https://}
	jq -n --arg name "$1" --arg url "$2" --arg cidr "${host%:*}/32" --arg ca "$3" '{apiVersion: "crmkeep.io/v1alpha1", kind: "CRMBackupLocation",
		metadata: {name: $name}, spec: {endpoint: $url, cidr: $cidr, caBundle: $ca, region: "cn-east-1", bucket: "backups", prefix: "keep",
		credentialsPath: "locations/\($name)"}}'
}

clients() {
	kubectl apply -f "$DEMO/clients.yaml" >/dev/null
	kubectl wait -n "$CLIENT" pod/client --for=condition=Ready --timeout=120s >/dev/null
	kubectl wait -n "$STRANGER" pod/stranger --for=condition=Ready --timeout=120s >/dev/null
}

trap wait EXIT # nothing of this goes on without it
if local_node; then
	[ "$(id -u)" = 0 ] || die 'the local node needs root; or give KUBECONFIG of a cluster'
	step 'Programs: the cluster, Vault, Helm, crmkeep (the first time some 13 minutes on two cores)' programs
	step "Images: ${IMAGES[*]}" images
	step 'Cluster: one node' cluster
	step "Importing crmkeep's image, and the others beside what follows" import crmkeep
	import_others
	step 'Vault: a development server, never for production' development_vault
else
	step 'Programs: Helm, crmkeep' programs
fi
use_cluster
step 'Preparing Vault, once, with the token of who sets it up' bootstrap
step 'Installing crmkeep with its Helm chart; it logs in to Vault as itself' operator
if local_node; then
	step "Backup locations: two S3 servers, ${LOCATIONS[*]}" locations
	step 'The other images' others_imported
fi
step 'A place for a person and one for a stranger' clients
