"""Tries to open TCP connections, one line for each: HOST:PORT open, or why not.

usage: reach.py HOST:PORT...
"""
import socket
import sys

for target in sys.argv[1:]:
    host, port = target.rsplit(':', 1)
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
    except OSError as error:
        print(target, 'unknown:', error)
        continue
    try:
        socket.create_connection(address[:2], timeout=3).close()
        print(target, 'open')
    except OSError as error:
        print(target, 'closed:', error)
