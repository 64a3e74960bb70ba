"""Keeps making customers in Tryton, one after another, and then looks which of those that Tryton took are there. Password on standard input.

usage: writer.py URL CA PREFIX SECONDS

URL is https://HOST/DATABASE/, CA the certificates to trust, PEM. Prints, as JSON: acknowledged, how many Tryton said it took; lost, the names
of those that are not there; and longest, the longest time in seconds between two of them.
"""
import base64
import json
import ssl
import sys
import time
import urllib.request

url, ca, prefix, seconds = sys.argv[1:]
TLS = ssl.create_default_context(cadata=ca)
password = sys.stdin.readline().rstrip('\n')


def call(method, params, session=None):
    request = urllib.request.Request(url, json.dumps({'id': 1, 'method': method, 'params': params}).encode(),
        {'Content-Type': 'application/json'})
    if session:
        request.add_header('Authorization', 'Session ' + session)
    with urllib.request.urlopen(request, timeout=5, context=TLS) as answer:
        body = json.load(answer)
    if body.get('error'):
        raise OSError(body['error'][0])
    return body['result']


def login():
    user, key = call('common.db.login', ['admin', {'password': password}])[:2]
    return base64.b64encode(f'admin:{user}:{key}'.encode()).decode()


def patiently(do):
    """Whatever is down is up again some time."""
    until = time.monotonic() + 120
    while True:
        try:
            return do()
        except (OSError, ValueError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


session = patiently(login)
acknowledged, longest, number = [], 0.0, 0
end = time.monotonic() + float(seconds)
last = time.monotonic()
while time.monotonic() < end:
    number += 1
    name = f'{prefix} {number}'
    try:
        call('model.party.party.create', [[{'name': name}], {}], session)
    except (OSError, ValueError):
        time.sleep(0.1)
        continue
    now = time.monotonic()
    longest, last = max(longest, now - last), now
    acknowledged.append(name)
longest = max(longest, time.monotonic() - last)

found = {party['name'] for party in patiently(lambda: call('model.party.party.search_read',
    [[['name', 'like', f'{prefix} %']], 0, None, None, ['name'], {}], session))}
print(json.dumps({'acknowledged': len(acknowledged), 'lost': [n for n in acknowledged if n not in found], 'longest': round(longest, 1)}))
