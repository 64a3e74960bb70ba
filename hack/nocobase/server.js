// Runs a NocoBase without its screens, for tests:
//
//   node server.js install    makes the tables and the first administrator
//   node server.js serve      serves HTTP until it is told to stop
//
// The database is DB_DATABASE of the Postgres at DB_HOST:DB_PORT; HTTP is on HOST:PORT. It keeps files below the current folder.
const http = require('http');
const path = require('path');

process.env.NODE_MODULES_PATH = path.join(__dirname, 'node_modules');
process.env.APP_ENV = 'production';

const { Application } = require('@nocobase/server');

const plugins = [
  'error-handler', 'field-sort', 'acl', 'auth', 'users', 'api-keys', 'ui-schema-storage', 'data-source-main', 'data-source-manager',
  'action-export', 'action-import', 'system-settings',
];

async function main(command) {
  const app = new Application({
    database: {
      dialect: 'postgres', host: process.env.DB_HOST, port: Number(process.env.DB_PORT), username: 'crm', database: process.env.DB_DATABASE,
      logging: false,
    },
    resourcer: { prefix: '/api' },
    plugins,
  });
  await app.load();
  if (command === 'install') {
    await app.install();
    process.exit(0);
  }
  await app.start();
  const server = http.createServer(app.callback());
  process.on('SIGTERM', () => process.exit(0));
  server.listen(Number(process.env.PORT), process.env.HOST);
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
