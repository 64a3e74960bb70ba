package postgres

import (
	"strings"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
)

// grants lets the owner and the readers connect to the database, the restorers act as the owner, and nobody else do anything.
func grants(want config.Postgres) []string {
	var all []string
	for _, database := range []string{want.Database, serverconfig.Superuser, "template0", "template1"} {
		all = append(all, "REVOKE ALL ON DATABASE "+quote(database)+" FROM PUBLIC")
	}
	for _, reader := range want.Readers {
		all = append(all,
			"GRANT CONNECT ON DATABASE "+quote(want.Database)+" TO "+quote(reader),
			"GRANT pg_read_all_data TO "+quote(reader),
			"ALTER ROLE "+quote(reader)+" SET default_transaction_read_only = on",
			// No other right lets a role read large objects that it was not granted one by one. What it opens besides reading,
			// largeObjectGrants closes.
			"ALTER ROLE "+quote(reader)+" SET lo_compat_privileges = on",
		)
	}
	for _, restorer := range want.Restorers {
		all = append(all,
			"GRANT "+quote(want.Owner)+" TO "+quote(restorer),
			// Databases are exchanged when nobody is connected to them.
			"GRANT pg_signal_backend TO "+quote(restorer),
			"GRANT CONNECT ON DATABASE "+quote(serverconfig.Superuser)+" TO "+quote(restorer),
		)
	}
	return all
}

// writesLargeObjects are the functions that make, change or remove large objects and that anybody may call at first.
var writesLargeObjects = strings.Join([]string{
	"lo_creat(int)", "lo_create(oid)", "lo_from_bytea(oid, bytea)", "lo_put(oid, bigint, bytea)", "lo_truncate(int, int)",
	"lo_truncate64(int, bigint)", "lo_unlink(oid)", "lowrite(int, bytea)",
}, ", ")

// largeObjectGrants leaves the writing of large objects to the owner.
func largeObjectGrants(want config.Postgres) []string {
	return []string{
		"REVOKE EXECUTE ON FUNCTION " + writesLargeObjects + " FROM PUBLIC",
		"GRANT EXECUTE ON FUNCTION " + writesLargeObjects + " TO " + quote(want.Owner),
	}
}
