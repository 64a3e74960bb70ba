"""Tries to open TCP connections, all at once; one line for each: HOST:PORT open, or why not.

usage: reach.py HOST:PORT...
"""
import concurrent.futures
import socket
import sys


def resolve(host, port, tries=5):
    """The name server of a busy machine may ask to try again."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
    except socket.gaierror as error:
        if error.errno != socket.EAI_AGAIN or tries == 1:
            raise
        return resolve(host, port, tries - 1)


def reach(target):
    host, port = target.rsplit(':', 1)
    try:
        address = resolve(host, port)
    except OSError as error:
        return f'unknown: {error}'
    try:
        socket.create_connection(address[:2], timeout=3).close()
    except OSError as error:
        return f'closed: {error}'
    return 'open'


targets = sys.argv[1:]
with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
    for target, found in zip(targets, pool.map(reach, targets)):
        print(target, found)
