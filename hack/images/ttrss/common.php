<?php
// What the commands beside this file have in common. They run in the folder of Tiny Tiny RSS.
set_include_path(getcwd() . '/include' . PATH_SEPARATOR . get_include_path());
define('DISABLE_SESSIONS', true);
require_once 'autoload.php';
require_once 'functions.php';
require_once 'config.php';
require_once 'db.php';

const ADMINISTRATOR = 'admin';

function fail(string $message): never {
	fwrite(STDERR, "ttrss: $message\n");
	exit(1);
}

// The administrator's, from the file that TTRSS_PASSWORD_FILE names.
function password(): string {
	$password = rtrim((string)@file_get_contents(getenv('TTRSS_PASSWORD_FILE')), "\n");
	if ($password === '') fail('TTRSS_PASSWORD_FILE must name a file with the password');
	return $password;
}
