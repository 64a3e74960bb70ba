"""Makes customers in Tryton and tells which are there, one answer for each line of standard input, so that whoever asks knows of a customer before
asking for the next.

usage: writer.py URL CA

URL is https://HOST/DATABASE/, CA the certificates to trust, PEM. Standard input: the administrator's password, and then these lines:
  make NAME    answers "taken", or "not taken: " and why
  list START   answers the names that start so, as JSON
The first answer is "ready", once Tryton has taken the login.
"""
import base64
import json
import ssl
import sys
import time
import urllib.request

url, ca = sys.argv[1:]
TLS = ssl.create_default_context(cadata=ca)


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


def login(password):
    """Whatever is down is up again some time."""
    while True:
        try:
            user, key = call('common.db.login', ['admin', {'password': password}])[:2]
            return base64.b64encode(f'admin:{user}:{key}'.encode()).decode()
        except (OSError, ValueError):
            time.sleep(0.2)


def make(name):
    try:
        call('model.party.party.create', [[{'name': name}], {}], session)
    except (OSError, ValueError) as error:
        return f'not taken: {" ".join(str(error).split())}'
    return 'taken'


def list_names(start):
    found = call('model.party.party.search_read', [[['name', 'like', f'{start}%']], 0, None, None, ['name'], {}], session)
    return json.dumps([party['name'] for party in found])


lines = iter(sys.stdin.readline, '')
session = login(next(lines).rstrip('\n'))
print('ready', flush=True)
for line in lines:
    command, argument = line.rstrip('\n').split(' ', 1)
    print({'make': make, 'list': list_names}[command](argument), flush=True)
