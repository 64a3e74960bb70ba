<?php
// The command `ttrss neutralise [--keep=LOGINS]`: nobody but the administrator and LOGINS, separated by commas, can log in, nobody who was
// is still, no feed is fetched and no digest sent. All of it is one transaction.
require_once __DIR__ . '/common.php';

function kept(array $arguments): array {
	$kept = [ADMINISTRATOR];
	foreach ($arguments as $argument) {
		if (!str_starts_with($argument, '--keep=')) fail("$argument is not known");
		array_push($kept, ...array_filter(array_map('trim', explode(',', substr($argument, strlen('--keep=')))), 'strlen'));
	}
	return $kept;
}

function neutralise(PDO $pdo, array $kept): void {
	$places = implode(',', array_fill(0, count($kept), '?'));
	$pdo->beginTransaction();
	// No password has an empty hash.
	$pdo->prepare("UPDATE ttrss_users SET pwd_hash = '', salt = '', otp_enabled = false WHERE login NOT IN ($places)")->execute($kept);
	$pdo->exec('UPDATE ttrss_users SET resetpass_token = NULL, twitter_oauth = NULL, email_digest = false');
	foreach (['ttrss_sessions', 'ttrss_app_passwords', 'ttrss_access_keys', 'ttrss_linked_instances'] as $table) $pdo->exec("DELETE FROM $table");
	$pdo->exec("UPDATE ttrss_feeds SET update_interval = -1, auth_login = '', auth_pass = ''");
	$pdo->exec("UPDATE ttrss_user_prefs SET value = 'false' WHERE pref_name = 'DIGEST_ENABLE'");
	$pdo->commit();
}

neutralise(Db::pdo(), kept(array_slice($argv, 1)));
