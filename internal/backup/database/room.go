package database

import (
	"context"
	"fmt"
)

// NoRoomError says that the server's volume cannot hold one more database of the size.
type NoRoomError struct{ Needed, Used, Storage int64 }

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("the restored database needs about %d MiB beside the %d MiB that are there, and the volume has %d MiB",
		e.Needed>>20, e.Used>>20, e.Storage>>20)
}

// walReserve is kept free for write-ahead log, which the server's configuration limits to this. Small volumes keep a quarter free.
const walReserve = 512 << 20

// Room refuses to load a database of needed bytes, Content.DatabaseBytes, when it does not fit beside the present ones into the
// storage that is declared for the server, in bytes; 0 accepts all. SQL cannot tell what is free on the server's disk, so this is an
// estimate from what the databases take, with room left for write-ahead log.
func Room(ctx context.Context, server Server, storage, needed int64) error {
	if storage == 0 {
		return nil
	}
	conn, err := server.connect(ctx, maintenance)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	var used int64
	if err := conn.QueryRow(ctx, `select coalesce(sum(pg_database_size(oid)), 0)::bigint from pg_database
		where has_database_privilege(oid, 'CONNECT')`).Scan(&used); err != nil {
		return err
	}
	if used+needed > storage-min(walReserve, storage/4) {
		return &NoRoomError{Needed: needed, Used: used, Storage: storage}
	}
	return nil
}
