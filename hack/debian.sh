#!/usr/bin/env bash
# Installs Debian packages, unless they are there. A fresh machine has no lists of packages, and old lists name files that the mirror has no
# more: only when an installation fails are the lists fetched.
#
# usage: debian.sh PACKAGE...
set -euo pipefail
options=(-o DPkg::Lock::Timeout=300 -qq)
export DEBIAN_FRONTEND=noninteractive

there() { [ "$(dpkg-query -Wf '${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed)" = $# ]; }
install() { apt-get "${options[@]}" -o Dpkg::Options::=--force-confold install -y --no-install-recommends "$@" >/dev/null; }

if there "$@" || install "$@" 2>/dev/null; then exit; fi
apt-get "${options[@]}" update >/dev/null
install "$@"
