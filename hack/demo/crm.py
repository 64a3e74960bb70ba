"""What a person does in Tryton, over TLS that is verified: log in; make a party, look one up, delete it; let a person in, list those who
may log in. Password on standard input.

usage: crm.py URL CA login | create NAME | find NAME | delete NAME | hire LOGIN | people
URL is https://HOST/DATABASE/, CA the certificates to trust, PEM.
"""
import base64
import json
import ssl
import sys
import urllib.request

CONTEXT = {}
URL = sys.argv[1]
TLS = ssl.create_default_context(cadata=sys.argv[2])


def call(method, params, session=None):
    request = urllib.request.Request(URL, json.dumps({'id': 1, 'method': method, 'params': params}).encode(),
        {'Content-Type': 'application/json'})
    if session:
        request.add_header('Authorization', 'Session ' + session)
    with urllib.request.urlopen(request, timeout=30, context=TLS) as answer:
        body = json.load(answer)
    if body.get('error'):
        raise RuntimeError(body['error'])
    return body['result']


def retry(*args):
    """Tryton's first call after its database came back fails: the connection in its pool is dead."""
    try:
        return call(*args)
    except RuntimeError:
        return call(*args)


def main(command, name=None):
    user, key = retry('common.db.login', ['admin', {'password': sys.stdin.readline().rstrip('\n')}])[:2]
    session = base64.b64encode(f'admin:{user}:{key}'.encode()).decode()
    if command == 'login':
        print(call('model.res.user.read', [[user], ['login'], CONTEXT], session)[0]['login'])
    elif command == 'create':
        print(call('model.party.party.create', [[{'name': name}], CONTEXT], session)[0])
    elif command in ('find', 'delete'):
        found = call('model.party.party.search', [[['name', '=', name]], 0, None, None, CONTEXT], session)
        if command == 'delete':
            call('model.party.party.delete', [found, CONTEXT], session)
        print(len(found))
    elif command == 'hire':
        print(call('model.res.user.create', [[{'login': name, 'name': name}], CONTEXT], session)[0])
    elif command == 'people':
        print(*sorted(u['login'] for u in call('model.res.user.search_read', [[], 0, None, None, ['login'], CONTEXT], session)))
    else:
        sys.exit(__doc__)


main(*sys.argv[3:])
