#!/usr/bin/env bash
# Raises the modules that MODULE-DIR has in common with OTHER-DIR to the versions of the latter where those are newer. Go compiles a package
# once for all programs only if it and all that it imports have the same versions, and client-go is most of each program that has it.
#
#   align.sh MODULE-DIR OTHER-DIR
set -euo pipefail
module=$(cd "$1" && pwd)
other=$(cd "$2" && pwd)
export GOWORK=off GOFLAGS=-mod=mod

requirements() { (cd "$1" && go mod edit -json | jq -r '.Require[] | "\(.Path) \(.Version)"' | LC_ALL=C sort); }

# sort has "~" before the end of a version, as Go has "-".
newest() { printf '%s\n' "$@" | tr - '~' | sort -V | tail -1 | tr '~' -; }

raised=()
while read -r path has wants; do
	if [ "$has" != "$wants" ] && [ "$(newest "$has" "$wants")" = "$wants" ]; then
		raised+=("$path@$wants")
	fi
done < <(LC_ALL=C join <(requirements "$module") <(requirements "$other"))
cd "$module"
if [ ${#raised[@]} -gt 0 ]; then go get "${raised[@]}"; fi
go mod tidy
