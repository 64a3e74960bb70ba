#!/usr/bin/env bash
# Builds devvault into the user's cache, once, and prints the path of the program.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$("$here/../tools/gobuild.sh" "$here" "-ldflags=-s -w" -- .=devvault)
echo "$folder/devvault"
