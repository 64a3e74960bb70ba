"""What the commands beside this file have in common."""
import os
import sys
from pathlib import Path

from trytond import commandline
from trytond.config import config

ADMINISTRATOR = 'admin'
# The account that brings role policies to Tryton.
OPERATOR = 'crmkeep'


def parser(description):
    made = commandline.get_base_parser()
    made.description = description
    return made


def parse(made):
    """The command's arguments, and the database that the configuration names."""
    arguments = made.parse_args()
    config.update_etc(arguments.configfile)
    database = config.get('database', 'default_name')
    if not database:
        fail('the configuration needs [database] default_name')
    return arguments, database


def read_password(variable):
    """The password in the file that the environment variable names."""
    try:
        lines = Path(os.environ[variable]).read_text().splitlines()
    except (KeyError, OSError, ValueError):
        lines = []
    if len(lines) != 1 or not lines[0]:
        fail(f'{variable} must name a readable file with the password in one line')
    return lines[0]


def pool(database):
    """Tryton's models, of the modules that are activated in the database."""
    # Tryton reads its configuration while this is imported.
    from trytond.pool import Pool
    models = Pool(database)
    models.init()
    return models


def fail(message):
    sys.exit(f'{Path(sys.argv[0]).name}: {message}')
