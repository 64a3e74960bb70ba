"""What people with roles do in Tryton, and what its administrator does to them in its screens, over TLS that is verified. Password on standard
input.

usage: colleague.py URL CA LOGIN COMMAND...
  login                      tells who is logged in
  enter DESCRIPTION          makes an opportunity of the person's own
  comment DESCRIPTION TEXT   comments an opportunity
  see                        tells the descriptions of all opportunities that the person sees
  read FIELD                 tells that field of them, or "refused"
  stay                       says "in", keeps asking with the open session, and ends when that is refused
  found NAME                 makes the company that records belong to, unless there is one (as the administrator)
  promote LOGIN ROLE         gives somebody a role by hand (as the administrator)
  roles LOGIN                tells the roles that somebody has (as the administrator)
URL is https://HOST/DATABASE/, CA the certificates to trust, PEM.
"""
import base64
import json
import ssl
import sys
import time
import urllib.error
import urllib.request

URL = sys.argv[1]
TLS = ssl.create_default_context(cadata=sys.argv[2])
OPPORTUNITY = 'model.sale.opportunity.'


class Refused(Exception):
    pass


class Person:
    def __init__(self, login, password):
        self.login, self.session, self.context = login, None, {}
        try:
            user, key = self.call('common.db.login', login, {'password': password}, context=False)[:2]
        except Refused as refusal:
            if '401' in str(refusal):  # The login. Anything else is Tryton's first call after its database came back: the connection in its pool is dead.
                raise
            user, key = self.call('common.db.login', login, {'password': password}, context=False)[:2]
        self.id = user
        self.session = base64.b64encode(f'{login}:{user}:{key}'.encode()).decode()
        self.context = self.call('model.res.user.get_preferences', True)

    def call(self, method, *params, context=True):
        params = [*params, self.context] if context else [*params]
        request = urllib.request.Request(URL, json.dumps({'id': 1, 'method': method, 'params': params}).encode(), {'Content-Type': 'application/json'})
        if self.session:
            request.add_header('Authorization', 'Session ' + self.session)
        try:
            with urllib.request.urlopen(request, timeout=30, context=TLS) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code) from error
        if body.get('error'):
            raise Refused(body['error'])
        return body['result']

    def find(self, model, domain, *fields):
        return self.call(f'model.{model}.search_read', domain, 0, None, None, list(fields))

    def opportunities(self, *fields):
        return self.find('sale.opportunity', [], *fields)

    def enter(self, description):
        values = {'description': description, 'employee': self.context['employee'], 'company': self.context['company']}
        return self.call(OPPORTUNITY + 'create', [values])[0]

    def comment(self, description, text):
        ids = [o['id'] for o in self.find('sale.opportunity', [['description', '=', description]], 'id')]
        self.call(OPPORTUNITY + 'write', ids, {'comment': text})
        return len(ids)

    def see(self):
        return ', '.join(sorted(o['description'] for o in self.opportunities('description')))

    def read(self, field):
        try:
            return ', '.join(sorted(str(o[field]) for o in self.opportunities(field)))
        except Refused:
            return 'refused'

    def stay(self):
        print('in', flush=True)
        while True:
            try:
                self.opportunities('description')
            except Refused:
                return 'out'
            time.sleep(0.1)

    def found(self, name):
        companies = self.find('company.company', [], 'id')
        if not companies:
            rounding = {'__class__': 'Decimal', 'decimal': '0.01'}
            currency, = self.call('model.currency.currency.create',
                [{'name': 'Euro', 'code': 'EUR', 'symbol': 'E', 'rounding': rounding, 'digits': 2}])
            party, = self.call('model.party.party.create', [{'name': name}])
            company, = self.call('model.company.company.create', [{'party': party, 'currency': currency}])
            companies = [{'id': company}]
            self.call('model.res.user.write', [self.id], {'companies': [['add', [company]]], 'company': company})
        return len(companies)

    def promote(self, login, role):
        user, = self.find('res.user', [['login', '=', login]], 'id')
        group, = self.find('res.group', [['name', '=', 'crmkeep:' + role]], 'id')
        self.call('model.res.user.write', [user['id']], {'groups': [['add', [group['id']]]]})
        return role

    def roles(self, login):
        user, = self.find('res.user', [['login', '=', login]], 'groups')
        return ', '.join(sorted(g['name'] for g in self.find('res.group', [['id', 'in', user['groups']]], 'name')))


def main(login, command, *args):
    password = sys.stdin.readline().rstrip('\n')
    if command == 'login':
        try:
            print(Person(login, password).login)
        except Refused:
            print('refused')
    else:
        print(getattr(Person(login, password), command)(*args), flush=True)


if len(sys.argv) < 5:
    sys.exit(__doc__)
main(*sys.argv[3:])
