<?php
// The command `ttrss migrate [--bootstrap]`: its own command line expects a schema and has no command for a password.
require_once __DIR__ . '/common.php';

function migrate(PDO $pdo): void {
	if ($pdo->query("SELECT to_regclass('ttrss_version') IS NULL")->fetchColumn()) {
		// The file is one transaction: an interrupted run leaves the database empty.
		$pdo->exec(file_get_contents('../schema/ttrss_schema_pgsql.sql'));
	}
	$updater = new DbUpdater($pdo, DB_TYPE, SCHEMA_VERSION);
	for ($version = $updater->getSchemaVersion() + 1; $version <= SCHEMA_VERSION; $version++) {
		if (!$updater->performUpdateTo($version, false)) fail("updating the schema to version $version failed");
	}
}

function bootstrap(PDO $pdo): void {
	$password = password();
	$salt = bin2hex(random_bytes(125));
	$update = $pdo->prepare("UPDATE ttrss_users SET pwd_hash = ?, salt = ?, otp_enabled = false WHERE login = 'admin'");
	$update->execute([encrypt_password($password, $salt, true), $salt]);
	if ($update->rowCount() !== 1) fail('there is no user admin');
}

migrate(Db::pdo());
if (in_array('--bootstrap', $argv, true)) bootstrap(Db::pdo());
