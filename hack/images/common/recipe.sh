# What every recipe needs; runs inside the image under construction, as root. Sourced; runs nothing.
# shellcheck shell=bash
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

# packages NAME...: install them, nothing that is only recommended, and the security updates that the base has missed.
packages() {
	apt-get update -qq
	{ apt-get upgrade -y -qq && apt-get install -y -qq --no-install-recommends "$@"; } >/tmp/apt.log 2>&1 || {
		tail -30 /tmp/apt.log >&2
		return 1
	}
}

# accounts ROOT: agent and application share one uid, so that a key only its owner may read serves both;
# programs such as initdb insist on a name for it.
accounts() {
	mkdir -p "$1/etc"
	printf '%s\n' root:x:0:0:root:/root:/usr/sbin/nologin crmkeep:x:65532:65532:crmkeep:/tmp:/usr/sbin/nologin >"$1/etc/passwd"
	printf '%s\n' root:x:0: crmkeep:x:65532: >"$1/etc/group"
}

# drop PACKAGE...: remove a package's files but not what depends on it; its scripts are not asked. Absent ones are skipped.
drop() {
	local file
	{ dpkg-query --listfiles "$@" 2>/dev/null || true; } | while read -r file; do
		# A merged /usr makes folders such as /lib links, and every package lists them.
		[ -d "$file" ] || rm -f "$file"
	done
}

# finish: leave only what runs. An image is replaced, never changed, so the package manager goes too.
finish() {
	local dir
	dir=$(dpkg-query --listfiles libc6 | sed -n 's|^\(/lib/[^/]*-linux-gnu\)$|/usr\1|p')
	drop adduser apt debconf debian-archive-keyring e2fsprogs gpgv init-system-helpers libapt-pkg6.0 libperl5.36 login logsave mount \
		passwd perl-base ucf util-linux
	drop dpkg
	rm -rf "$dir/gconv" /usr/share/{doc,man,info,lintian,locale,i18n,bash-completion,common-licenses,perl,perl5} \
		/usr/share/zoneinfo/{right,posix} /usr/lib/udev /usr/lib/apt /etc/apt /etc/{shadow,gshadow,subuid,subgid}{,-} \
		/etc/{passwd,group}- /root /recipe /var/{lib/apt,lib/dpkg,cache,log,mail,backups,tmp} /tmp
	find / -xdev \( -name __pycache__ -o -name '*.a' -o -name 'perl*' -path '*-linux-gnu/*' \) -prune -exec rm -rf {} +
	find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
	find / -xdev ! -user root -exec chown -h root:root {} +
	mkdir -p /root /run /tmp /var/{cache,lib,log,tmp}
	chmod 1777 /tmp /var/tmp
	accounts ""
}
