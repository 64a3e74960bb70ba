#!/usr/bin/env bash
# Runs S3 servers beside the node cluster, or finds them running: versitygw, one process for each name, as a store outside the
# cluster would be. Pods and this machine reach them at the same address. They end with the cluster. Writes for each name:
#
#   s3/NAME/url        https://ADDRESS:PORT
#   s3/NAME/ca.crt     what to trust
#   s3/NAME/keys.json  accessKeyID and secretAccessKey, readable by its owner only
#   s3/NAME/buckets/   the content; the bucket "backups" is made
#
# usage: s3.sh NAME...
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
use_state node
use_programs --node
FIRST_PORT=9100

random() { openssl rand -hex "$1"; }

prepare() { # prepare ADDRESS: what is kept over a restart
	[ ! -e keys.json ] || return 0
	mkdir -p buckets/backups metadata versions
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout tls.key -out ca.crt -subj "/CN=S3 server of the local cluster" \
		-addext "subjectAltName=IP:${1%:*}" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
	echo "https://$1" >url
	jq -n --arg id "$(random 10)" --arg key "$(random 20)" '{accessKeyID: $id, secretAccessKey: $key}' >keys.json.new
	mv keys.json.new keys.json
}

serve() { # serve NAME ADDRESS
	# Keys reach it through its environment, which only root can read.
	(
		ROOT_ACCESS_KEY_ID=$(jq -r .accessKeyID keys.json)
		ROOT_SECRET_ACCESS_KEY=$(jq -r .secretAccessKey keys.json)
		export ROOT_ACCESS_KEY_ID ROOT_SECRET_ACCESS_KEY
		start "s3-$1" "$program" --port "$2" --region cn-east-1 --quiet --cert "$PWD/ca.crt" --key "$PWD/tls.key" --health /health \
			posix --sidecar "$PWD/metadata" --versioning-dir "$PWD/versions" "$PWD/buckets"
	)
}

alive node || die "no node is running; see up.sh"
program=$("$REPO/hack/tools/install.sh" versitygw)
port=$FIRST_PORT
umask 077
for name; do
	address=$HOST_IP:$port
	port=$((port + 1))
	mkdir -p "$STATE/s3/$name"
	cd "$STATE/s3/$name"
	prepare "$address"
	alive "s3-$name" || serve "$name" "$address"
	WATCHED=s3-$name wait_for 30 "the S3 server $name" curl -fsS --cacert ca.crt "https://$address/health"
	log "S3 server $name is up at https://$address; CA and keys are in $PWD"
done
