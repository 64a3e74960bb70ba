#!/usr/bin/env bash
# Makes container images without a registry: one layer in an OCI layout, packed as a tar for `ctr images import`.
#
#   image.sh pack FILE.tar NAME:TAG ROOTFS ENTRYPOINT-JSON [CMD-JSON [USER]]
#   image.sh program FILE.tar NAME:TAG PROGRAM [USER]   an image of one static program and nothing else
#   image.sh base                                       the images that every node has (pause, busybox, coredns),
#                                                       made once per version; prints their folder
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

descriptor() { # descriptor FILE MEDIA-TYPE: moves the file among the blobs, prints a descriptor's fields
	local digest size
	digest=$(sha256sum "$1" | cut -d' ' -f1) size=$(stat -c %s "$1")
	mv "$1" "$work/blobs/sha256/$digest"
	printf '"mediaType":"%s","digest":"sha256:%s","size":%s' "$2" "$digest" "$size"
}

pack() {
	local out=$1 ref=$2 rootfs=$3 entrypoint=$4 cmd=${5:-null} user=${6:-}
	local layer digest config manifest
	local type=application/vnd.oci.image
	work=$(mktemp -d "$out.XXXXXX")
	mkdir -p "$work/blobs/sha256"
	# Same input, same bytes: fixed order, owner and time.
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$rootfs" -cf "$work/layer" .
	digest=sha256:$(sha256sum "$work/layer" | cut -d' ' -f1)
	layer=$(descriptor "$work/layer" $type.layer.v1.tar)
	printf '{"created":"1970-01-01T00:00:00Z","architecture":"%s","os":"linux","config":{"User":"%s","Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"Entrypoint":%s,"Cmd":%s},"rootfs":{"type":"layers","diff_ids":["%s"]}}' \
		"$(dpkg --print-architecture)" "$user" "$entrypoint" "$cmd" "$digest" >"$work/config"
	config=$(descriptor "$work/config" $type.config.v1+json)
	printf '{"schemaVersion":2,"mediaType":"%s","config":{%s},"layers":[{%s}]}' $type.manifest.v1+json "$config" "$layer" >"$work/manifest"
	manifest=$(descriptor "$work/manifest" $type.manifest.v1+json)
	printf '{"schemaVersion":2,"manifests":[{%s,"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"}}]}' \
		"$manifest" "$ref" "${ref##*:}" >"$work/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$work/oci-layout"
	tar -C "$work" -cf "$work/image.tar" oci-layout index.json blobs
	mv "$work/image.tar" "$out"
	rm -rf "$work"
	log "packed $ref ($(($(stat -c %s "$out") / 1024)) KiB)"
}

program() {
	local out=$1 ref=$2 program=$3 user=${4:-} root
	root=$(mktemp -d)
	cp "$program" "$root/${program##*/}"
	pack "$out" "$ref" "$root" "[\"/${program##*/}\"]" null "$user"
	rm -rf "$root"
}

# Debian's static busybox with a link for each of its programs.
busybox_image() {
	local out=$1 root busybox program
	busybox=$(command -v busybox) root=$(mktemp -d)
	mkdir -p "$root"/{bin,etc,tmp,www}
	chmod 1777 "$root/tmp"
	cp "$busybox" "$root/bin/busybox"
	"$busybox" --list-full | while read -r program; do
		[ "$program" != bin/busybox ] || continue
		mkdir -p "$root/${program%/*}"
		ln -sf /bin/busybox "$root/$program"
	done
	printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	pack "$out" "$PREFIX/busybox:dev" "$root" null '["/bin/sh"]'
	rm -rf "$root"
}

base() {
	local addons out partial
	addons=$(dirname "$(command -v coredns)")
	out=$CACHE/images/cluster-$(sha256sum "$addons/coredns" "$addons/pause" "$(command -v busybox)" "$SCRIPTS/image.sh" | cut -d' ' -f1 | sha256sum | cut -c1-16)
	if [ ! -d "$out" ]; then
		mkdir -p "$CACHE/images"
		partial=$(mktemp -d "$CACHE/images/.partial.XXXXXX")
		program "$partial/pause.tar" "$PREFIX/pause:dev" "$addons/pause" 65535:65535
		program "$partial/coredns.tar" "$PREFIX/coredns:dev" "$addons/coredns"
		busybox_image "$partial/busybox.tar"
		mv -T "$partial" "$out" 2>/dev/null || rm -rf "$partial" # another caller was faster
	fi
	echo "$out"
}

case ${1:-} in
pack | program | base) "$@" ;;
*) die "usage: image.sh pack|program|base ..." ;;
esac
