#!/usr/bin/env bash
# Builds container images without a container engine: runs each image's Dockerfile on a root file system made from
# Debian packages and packs the result as an OCI archive, .build/images/NAME.tar.
#
# usage: build.sh [--binary PATH] [--rebuild] NAME...
#   NAME      a folder beside this script: postgres, tryton, ttrss, crmkeep
#   --binary  the crmkeep program, which the image crmkeep carries
#   --rebuild take nothing from the cache, to get newer Debian packages
# CRMKEEP_CACHE (default: crmkeep in the user's cache folder) keeps results by the hash of what went into them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/../../.build/images
cache=${CRMKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crmkeep}/images
binary='' rebuild=false
. "$here/lib/rootfs.sh"
. "$here/lib/oci.sh"
. "$here/lib/dockerfile.sh"

declare -A tag=([postgres]=15 [tryton]=6.0 [ttrss]=21 [crmkeep]=dev)
declare -A limit_mb=([postgres]=150 [tryton]=250 [ttrss]=200 [crmkeep]=150)

die() {
	echo "build.sh: $*" >&2
	exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT

# key NAME: changes with everything that the image is made of, except Debian's packages and programs built outside.
key() {
	(
		cd "$here"
		find lib common "$1" -type f ! -name '*.md' -print0 | sort -z | xargs -0 sha256sum
		dpkg --print-architecture
	) | sha256sum | cut -c1-16
}

# base DIR: the root file system that every image starts from. It may be old: recipes apply updates.
base() {
	local kept
	kept=$cache/base-$(sha256sum "$here/lib/rootfs.sh" | cut -c1-16).tar
	if [ ! -e "$kept" ]; then
		base_rootfs "$scratch/new-base"
		tar -C "$scratch/new-base" -cf "$kept.$$" .
		mv "$kept.$$" "$kept"
		rm -rf --one-file-system "$scratch/new-base"
	fi
	mkdir "$1"
	tar -C "$1" -xf "$kept"
}

# build NAME ARCHIVE SNAPSHOT
build() {
	local name=$1 archive=$2 snapshot=$3 work=$scratch/$1 start=$SECONDS mb
	[ "$(id -u)" = 0 ] || die 'root is needed to make root file systems'
	[ -e "$snapshot" ] || [ -d "$scratch/base" ] || base "$scratch/base"
	mkdir -p "$work/bin"
	if [ "$name" = crmkeep ]; then
		install -m 0755 "$binary" "$work/bin/crmkeep"
		# Debian's is too old.
		install -m 0755 "$("$here/../tools/install.sh" restic)" "$work/bin/restic"
	fi
	dockerfile_build "$here/$name/Dockerfile" "$here" "$scratch/base" "$work/bin" "$work" "$snapshot"
	mb=$(du -sm --apparent-size "$work/final" | cut -f1)
	[ "$mb" -le "${limit_mb[$name]}" ] || die "$name has $mb MB, more than ${limit_mb[$name]}"
	oci_pack "crmkeep.local/$name:${tag[$name]}" "$work/final" "$(cat "$work/config.json")" "$archive"
	rm -rf --one-file-system "$work"
	echo "$name: $mb MB, built in $((SECONDS - start)) s" >&2
}

names=()
while [ $# -gt 0 ]; do
	case $1 in
	--binary) binary=$(realpath "$2") && shift ;;
	--rebuild) rebuild=true ;;
	-*) die "no such option: $1" ;;
	*) names+=("$1") ;;
	esac
	shift
done
[ ${#names[@]} -gt 0 ] || die 'which image?'

mkdir -p "$out" "$cache"
# One build at a time: a second one then finds in the cache what the first has made.
exec 9>"$cache/.lock"
flock 9
for name in "${names[@]}"; do
	[ -n "${tag[$name]:-}" ] || die "no such image: $name"
	[ "$name" != crmkeep ] || [ -x "$binary" ] || die 'crmkeep needs --binary PATH'
	kept=$cache/$name-$(key "$name").tar
	if $rebuild; then rm -f "$kept"; fi
	# Archives with crmkeep's own program would pile up: every build of it makes another.
	if [ "$name" = crmkeep ]; then
		build crmkeep "$out/crmkeep.tar" "$kept"
		continue
	fi
	[ -e "$kept" ] || build "$name" "$kept" ''
	ln -f "$kept" "$out/$name.tar" 2>/dev/null || cp "$kept" "$out/$name.tar"
done
