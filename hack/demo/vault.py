"""Logs in to Vault with a ServiceAccount's token from standard input and makes one request; prints the status codes.

usage: vault.py ADDRESS CA ROLE METHOD PATH      CA: the certificates to trust, PEM
"""
import json
import ssl
import sys
import urllib.error
import urllib.request

address, ca, role, method, path = sys.argv[1:]
TLS = ssl.create_default_context(cadata=ca)


def ask(method, path, token='', body=None):
    request = urllib.request.Request(f'{address}/v1/{path}', method=method, headers={'X-Vault-Token': token},
        data=json.dumps(body or {}).encode() if method == 'POST' else None)
    try:
        with urllib.request.urlopen(request, timeout=10, context=TLS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, {}


status, answer = ask('POST', 'auth/kubernetes/login', body={'role': role, 'jwt': sys.stdin.read().strip()})
if status != 200:
    print(f'login {status}')
else:
    print(f'login 200, request {ask(method, path, answer["auth"]["client_token"])[0]}')
