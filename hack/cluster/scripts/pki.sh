#!/usr/bin/env bash
# Makes a cluster's certificates and one kubeconfig per identity, once. Run by up.sh.
# usage: pki.sh MODE URL [MORE-SERVER-NAMES such as IP:1.2.3.4]
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
mode=$1 url=$2
shift 2
use_state "$mode"
umask 077
mkdir -p "$PKI"
cd "$PKI"
[ ! -e complete ] || exit 0

new_key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)

ca() { # ca FILE NAME
	openssl req -x509 "${new_key[@]}" -days 30 -keyout "$1.key" -out "$1.crt" -subj "/CN=$2" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature 2>/dev/null
}

cert() { # cert CA FILE SUBJECT USAGE [SERVER-NAMES]
	local extensions="keyUsage=critical,digitalSignature"$'\n'"extendedKeyUsage=$4"
	[ -z "${5:-}" ] || extensions+=$'\n'"subjectAltName=$5"
	openssl req "${new_key[@]}" -keyout "$2.key" -subj "$3" 2>/dev/null |
		openssl x509 -req -CA "$1.crt" -CAkey "$1.key" -days 30 -out "$2.crt" \
			-set_serial "0x$(openssl rand -hex 8)" -extfile <(echo "$extensions") 2>/dev/null
}

identity() { # identity NAME SUBJECT: a client certificate, and the kubeconfig that uses it
	cert ca "$1" "$2" clientAuth
	cat >"$STATE/$1.kubeconfig" <<-YAML
		apiVersion: v1
		kind: Config
		current-context: $NODE
		clusters:
		- name: $NODE
		  cluster: {server: "$url", certificate-authority-data: $(base64 -w0 ca.crt)}
		users:
		- name: $1
		  user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}
		contexts:
		- name: $NODE
		  context: {cluster: $NODE, user: $1}
	YAML
}

names="IP:127.0.0.1,IP:$API_SERVICE_IP,DNS:localhost"
names+=",DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
for name; do names+=",$name"; done
ca ca "$NODE-ca"
cert ca apiserver /CN=kube-apiserver serverAuth "$names"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out service-accounts.key 2>/dev/null
openssl pkey -in service-accounts.key -pubout -out service-accounts.pub
identity admin /O=system:masters/CN=admin
identity kube-controller-manager /CN=system:kube-controller-manager
if [ "$mode" = node ]; then
	ca front-ca "$NODE-front-proxy-ca"
	cert front-ca front-proxy /CN=front-proxy clientAuth
	cert ca kubelet-client /O=kubelet-api-admins/CN=kube-apiserver-kubelet clientAuth
	cert ca kubelet-serving "/O=system:nodes/CN=system:node:$NODE" serverAuth "DNS:$NODE,IP:$NODE_IP,IP:127.0.0.1"
	identity kubelet "/O=system:nodes/CN=system:node:$NODE"
	identity kube-scheduler /CN=system:kube-scheduler
	identity kube-proxy /CN=system:kube-proxy
	identity netpol /CN=crmkeep-node:netpol
	identity storage /CN=crmkeep-node:storage
fi
touch complete
