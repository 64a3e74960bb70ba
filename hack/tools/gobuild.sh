#!/usr/bin/env bash
# Builds programs of one Go module into the user's cache, once, and prints the folder that holds them.
#
#   gobuild.sh MODULE-DIR [GO-BUILD-FLAG...] -- PACKAGE[=NAME]...
#
# The folder's name is a hash of everything that decides the result: the module's files, the Go version, the
# platform, the flags and the packages. A second clone therefore builds nothing, and a changed module builds anew.
# A package written with a trailing =NAME is built under that name; a package of tests (PACKAGE=NAME.test) is
# compiled as one.
set -euo pipefail

module=$(cd "$1" && pwd)
shift
flags=()
while [ "$1" != -- ]; do
	flags+=("$1")
	shift
done
shift

cache=${CRMKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crmkeep}/bin
export CGO_ENABLED=0 GOWORK=off

# Unsorted names or file times would make two equal clones differ.
key=$(
	{
		go version
		printf '%s\n' "${flags[@]}" -- "$@"
		cd "$module"
		find . -type f ! -name '*.md' ! -name '*.sh' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
	} | sha256sum | cut -c1-16
)
out=$cache/${module##*/}-$key
if [ ! -d "$out" ]; then
	mkdir -p "$cache"
	exec 9>"$cache/.${module##*/}.lock" # two callers share one build
	flock 9
fi
if [ ! -d "$out" ]; then
	partial=$(mktemp -d "$cache/.partial.XXXXXX")
	trap 'rm -rf "$partial"' EXIT
	chmod 755 "$partial"
	for target; do
		package=${target%%=*} name=${target##*[=/]}
		command=(build)
		case $name in *.test) command=(test -c) ;; esac
		echo "building $name" >&2
		(cd "$module" && nice go "${command[@]}" -mod=readonly -trimpath -buildvcs=false "${flags[@]}" -o "$partial/$name" "$package")
	done
	mv "$partial" "$out"
fi
echo "$out"
