#!/usr/bin/env bash
# Builds the version that test/upgrade/previous names from the repository's own history, once, into the user's cache, and prints the
# folder with its program, crmkeep, and its sources. Those of other commits are removed when nobody has asked for them for three hours.
# Exits with 3 when this clone does not have the commit, since its history is not whole.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${CRMKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crmkeep}/previous
commit=$(cat "$here/previous")
[[ $commit =~ ^[0-9a-f]{40}$ ]] || {
	echo "test/upgrade/previous: \"$commit\" must be the full hash of one commit" >&2
	exit 1
}

mkdir -p "$cache"
exec 9>"$cache/.lock" # two callers share one build
flock 9
folder=$cache/$commit
if [ ! -d "$folder" ]; then
	if ! git -C "$here" cat-file -e "$commit^{commit}" 2>/dev/null; then
		if [ "$(git -C "$here" rev-parse --is-shallow-repository 2>/dev/null)" = false ]; then
			echo "test/upgrade/previous: the history has no commit $commit: name the one that landed last" >&2
			exit 1
		fi
		echo "this clone does not have commit $commit: run git fetch --unshallow" >&2
		exit 3
	fi
	partial=$(mktemp -d "$cache/partial.XXXXXX")
	trap 'rm -rf "$partial"' EXIT
	chmod 755 "$partial"
	mkdir "$partial/sources"
	git -C "$here/../.." archive "$commit" | tar -x -C "$partial/sources"
	echo "building crmkeep of commit $commit" >&2
	(cd "$partial/sources" && CGO_ENABLED=0 GOWORK=off nice go build -mod=readonly -trimpath -buildvcs=false -o ../crmkeep .)
	mv "$partial" "$folder"
fi
# Tests of another clone may be using what was asked for lately.
touch "$folder"
find "$cache" -mindepth 1 -maxdepth 1 -type d -mmin +180 -exec rm -rf {} +
echo "$folder"
