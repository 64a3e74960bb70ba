#!/usr/bin/env bash
# Runs the development Vault in the node cluster, or finds it running, and enables auth/kubernetes in it. Pods reach
# it at https://vault.vault.svc:8200, this machine at https://10.96.0.20:8200. Writes to the cluster's state folder:
#
#   vault/ca.crt      what to trust
#   vault/keys.json   root token and unseal key, readable by its owner only
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
use_state node
use_programs --node

# An image of that one program, made and imported once per version.
image() {
	local program archive
	program=$("$REPO/hack/devvault/build.sh")
	archive=$CACHE/images/$(basename "$(dirname "$program")").tar
	[ -e "$archive" ] || "$SCRIPTS/image.sh" program "$archive" "$PREFIX/vault:dev" "$program" 65532:65532
	"$SCRIPTS/import.sh" "$archive"
}

# The image has no shell to read the files with, but the volume is a folder of this machine.
copy_files() {
	local volume target=$STATE/vault
	volume=$STATE/volumes/$(k -n vault get pvc data-vault-0 -o jsonpath='{.spec.volumeName}')
	mkdir -p "$target"
	install -m 600 "$volume/keys.json" "$target/keys.json"
	install -m 644 "$volume/tls/ca.crt" "$target/ca.crt"
}

# vault METHOD PATH [JSON]: the token goes through a file descriptor, not through the process list.
vault() {
	curl -sS --fail-with-body --cacert "$STATE/vault/ca.crt" \
		-H @<(printf 'X-Vault-Token: %s\n' "$(jq -r .RootToken "$STATE/vault/keys.json")") \
		-X "$1" "$address/v1/$2" ${3:+-d "$3"}
}

alive node || die "no node is running; see up.sh"
image
k apply -f "$CLUSTER/manifests/vault.yaml" >/dev/null
k -n vault rollout status statefulset/vault --timeout=120s >/dev/null
copy_files
address=https://$(k -n vault get service vault -o jsonpath='{.spec.clusterIP}'):8200
vault GET sys/auth | jq -e '.data["kubernetes/"]' >/dev/null || vault POST sys/auth/kubernetes '{"type":"kubernetes"}'
vault POST auth/kubernetes/config '{"kubernetes_host":"https://kubernetes.default.svc"}'
log "Vault is up at $address; CA and keys are in $STATE/vault"
