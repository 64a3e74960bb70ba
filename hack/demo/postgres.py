"""Connects to a Postgres server over TLS and prints who it is taken for, or why it is refused.

usage: postgres.py HOST DATABASE CA      CA: the certificates to trust, PEM
Standard input: a client certificate with its key, PEM, or nothing for none.
"""
import os
import sys

import psycopg2


def in_memory(name, content):
    """A file that only this process can reach: libpq takes certificates by name and wants a private key to be private."""
    fd = os.memfd_create(name, 0)
    os.fchmod(fd, 0o600)
    os.write(fd, content.encode())
    return f'/proc/self/fd/{fd}'


host, database, ca = sys.argv[1:]
pair = sys.stdin.read()
options = {'sslcert': '', 'sslkey': ''}
if pair.strip():
    options = {'sslcert': in_memory('certificate', pair), 'sslkey': in_memory('key', pair)}
try:
    connection = psycopg2.connect(host=host, dbname=database, user=database, sslmode='verify-full', connect_timeout=10,
        sslrootcert=in_memory('ca', ca), **options)
except psycopg2.OperationalError as error:
    print('refused:', ' '.join(str(error).split()))
else:
    with connection.cursor() as cursor:
        cursor.execute('SELECT current_user')
        print('accepted as', cursor.fetchone()[0])
