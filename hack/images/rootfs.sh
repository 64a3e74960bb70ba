#!/usr/bin/env bash
# Unpacks an image's root file system into the user's cache, once, and prints its folder: tests run programs of the image in it
# without a container engine (needs root). Those of older builds are removed when nobody has asked for them for three hours.
#
# usage: rootfs.sh NAME   (an image that build.sh makes without --binary)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CRMKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crmkeep}/images
[ $# = 1 ] || {
	echo 'rootfs.sh: which image?' >&2
	exit 1
}

"$here/build.sh" "$1" >&2
# What build.sh keeps is unpacked as it is: the lock orders two that start at once.
exec 9>"$cache/.rootfs.lock"
flock 9
scratch=$(mktemp -d "$cache/unpack.XXXXXX")
trap 'rm -rf --one-file-system "$scratch"' EXIT
tar -C "$scratch" -xf "$here/../../.build/images/$1.tar"
manifest=$(jq -r '.manifests[0].digest' "$scratch/index.json")
folder=$cache/rootfs-$1-${manifest:7:16}
if [ ! -d "$folder" ]; then
	layer=$(jq -r '.layers[0].digest' "$scratch/blobs/sha256/${manifest:7}")
	mkdir "$scratch/root"
	tar -C "$scratch/root" -xf "$scratch/blobs/sha256/${layer:7}"
	mv "$scratch/root" "$folder"
fi
# Every build of an image makes another one. Tests of another clone may be running in one that was asked for lately.
touch "$folder"
find "$cache" -maxdepth 1 -name "rootfs-$1-*" -mmin +180 -exec rm -rf --one-file-system {} +
echo "$folder"
