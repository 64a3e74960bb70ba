# Debian root file systems, made from packages and entered without a container engine. Sourced; runs nothing.
# shellcheck shell=bash

# The machine's own sources name the mirror to use; elsewhere mmdebstrap knows Debian's.
DEBIAN_SOURCES=${CRMKEEP_DEBIAN_SOURCES:-/etc/apt/sources.list.d/debian.sources}

# base_rootfs DIR: what debian:bookworm-slim holds, with security updates applied.
base_rootfs() {
	local dir=$1 sources=() conf
	"$(dirname "${BASH_SOURCE[0]}")/../../debian.sh" mmdebstrap
	if grep -qs bookworm "$DEBIAN_SOURCES"; then sources=("$DEBIAN_SOURCES"); fi
	conf=$(mktemp)
	printf 'path-exclude=/usr/share/%s/*\n' doc man info lintian locale >"$conf"
	echo force-unsafe-io >>"$conf"
	mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Languages "none"' --dpkgopt="$conf" \
		bookworm "$dir" "${sources[@]}"
	rm -f "$conf"
	# Packages must not start their services while they are installed.
	printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
	chmod +x "$dir/usr/sbin/policy-rc.d"
}

# inside DIR COMMAND...: run it as root in DIR. Mounts and stray processes end with its namespaces.
inside() {
	local dir=$1
	shift
	touch "$dir/etc/resolv.conf" "$dir/etc/hosts"
	# shellcheck disable=SC2016 # expands inside, where the arguments are
	unshare --mount --pid --fork --kill-child -- bash -euc '
		mount -t proc proc "$1/proc"
		mount --rbind /dev "$1/dev"
		for name in resolv.conf hosts; do mount --bind "/etc/$name" "$1/etc/$name"; done
		exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
			${http_proxy+"http_proxy=$http_proxy"} "${@:2}"' inside "$dir" "$@"
}
