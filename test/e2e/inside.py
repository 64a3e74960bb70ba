"""Looks around in a pod, without a right that its application has not: prints which ports it listens on other than on localhost, on what kind
of file system a folder is, and the modes of the files in it.

usage: inside.py FOLDER
"""
import ipaddress
import json
import os
import stat
import struct
import sys


def address(text):
    """As the kernel writes it: words of 32 bits, each in the machine's order."""
    words = (int(text[i:i + 8], 16) for i in range(0, len(text), 8))
    found = ipaddress.ip_address(b''.join(struct.pack('=I', word) for word in words))
    return getattr(found, 'ipv4_mapped', None) or found


def listening():
    for name in '/proc/net/tcp', '/proc/net/tcp6':
        with open(name) as lines:
            for line in list(lines)[1:]:
                _, local, _, state = line.split()[:4]
                host, port = local.split(':')
                if state == '0A' and not address(host).is_loopback:
                    yield int(port, 16)


def file_system(folder):
    with open('/proc/mounts') as lines:
        return {point: kind for _, point, kind, *_ in map(str.split, lines)}.get(folder)


folder, = sys.argv[1:]
modes = ((entry.name, entry.stat(follow_symlinks=False).st_mode) for entry in os.scandir(folder))
print(json.dumps({
    'ports': sorted(set(listening())),
    'fileSystem': file_system(folder),
    'files': {name: stat.S_IMODE(mode) for name, mode in modes if stat.S_ISREG(mode)}}))
