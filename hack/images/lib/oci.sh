# OCI image archives, written by hand: one layer, no registry, no engine. Sourced; runs nothing.
# shellcheck shell=bash

# oci_blob DIR FILE MEDIA-TYPE: move FILE into the layout DIR by its digest and print its descriptor (without braces).
oci_blob() {
	local digest size
	digest=$(sha256sum "$2" | cut -d' ' -f1)
	size=$(stat -c %s "$2")
	mv "$2" "$1/blobs/sha256/$digest"
	printf '"mediaType":"%s","digest":"sha256:%s","size":%s' "$3" "$digest" "$size"
}

# oci_pack REFERENCE ROOTFS CONFIG-JSON ARCHIVE: pack ROOTFS, by way of ROOTFS.oci; equal input gives equal bytes.
# CONFIG-JSON is the image's config object (User, Entrypoint, Cmd, Env).
oci_pack() {
	local ref=$1 rootfs=$2 config=$3 archive=$4 dir=$2.oci layer diff manifest
	local type=application/vnd.oci.image
	mkdir -p "$dir/blobs/sha256"
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$rootfs" -cf "$dir/layer" .
	layer=$(oci_blob "$dir" "$dir/layer" $type.layer.v1.tar)
	diff=${layer#*'"digest":"'} diff=${diff%%'"'*}
	printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["%s"]}}' \
		"$(dpkg --print-architecture)" "$config" "$diff" >"$dir/config"
	config=$(oci_blob "$dir" "$dir/config" $type.config.v1+json)
	printf '{"schemaVersion":2,"mediaType":"%s","config":{%s},"layers":[{%s}]}' \
		$type.manifest.v1+json "$config" "$layer" >"$dir/manifest"
	manifest=$(oci_blob "$dir" "$dir/manifest" $type.manifest.v1+json)
	# containerd takes the name from its own annotation, other tools from OCI's.
	printf '{"schemaVersion":2,"manifests":[{%s,"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"}}]}' \
		"$manifest" "$ref" "${ref##*:}" >"$dir/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$dir" -cf "$archive.$$" oci-layout index.json blobs
	rm -rf "$dir"
	mv "$archive.$$" "$archive"
}
