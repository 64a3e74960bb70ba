<?php
// The command `ttrss check`: the data key is readable, the administrator's password is the one in TTRSS_PASSWORD_FILE, users and feeds can be
// counted. It changes nothing and prints figures only.
require_once __DIR__ . '/common.php';

function check(PDO $pdo): void {
	if (!preg_match('/^[0-9a-f]{64}$/', trim((string)@file_get_contents('/run/crmkeep/files/data.key')))) fail('data.key holds no key');
	$user = $pdo->prepare('SELECT pwd_hash, salt FROM ttrss_users WHERE login = ?');
	$user->execute([ADMINISTRATOR]);
	$row = $user->fetch();
	if (!$row || !hash_equals($row['pwd_hash'], encrypt_password(password(), $row['salt'], true))) fail(ADMINISTRATOR . ' cannot log in');
	foreach (['users', 'feeds', 'entries'] as $counted) {
		$count = $pdo->query("SELECT count(*) FROM ttrss_$counted")->fetchColumn();
		echo "$count $counted\n";
	}
}

check(Db::pdo());
