#!/usr/bin/env bash
# Installs NocoBase's server from npm into the user's cache, once per version, and prints the folder that holds it. Every package is pinned by the
# hash in package-lock.json, and none runs a script. Node.js and npm are Debian's unless they are there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

command -v npm >/dev/null || "$here/../debian.sh" nodejs npm

cache=${CRMKEEP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crmkeep}/nocobase
files=(package.json package-lock.json .npmrc server.js)
key=$(cd "$here" && { node --version && cat "${files[@]}"; } | sha256sum | cut -c1-16)
out=$cache/$key
if [ ! -d "$out" ]; then
	mkdir -p "$cache"
	exec 9>"$cache/.lock" # two callers share one installation
	flock 9
fi
if [ ! -d "$out" ]; then
	echo "installing NocoBase" >&2
	partial=$(mktemp -d "$cache/.partial.XXXXXX")
	trap 'rm -rf "$partial"' EXIT
	chmod 755 "$partial"
	(cd "$here" && cp "${files[@]}" "$partial")
	(cd "$partial" && nice npm ci --omit=dev --omit=optional --loglevel=error >&2)
	mv "$partial" "$out"
fi
echo "$out"
