package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"time"
)

// chunk is how much of a dump is passed on at a time, in bytes.
const chunk = 256 << 10

// stopDelay is how long a program may take to end its session when a run is cancelled.
const stopDelay = 5 * time.Second

var (
	restrictKeyPattern = regexp.MustCompile(`^[A-Za-z0-9]{16,128}$`)
	errRestrictKey     = errors.New("the restrict key is not 16 to 128 letters and digits")
)

// Dump writes the database as SQL and tells what is in it. The same data and the same restrictKey give the same bytes: psql obeys no
// command in a dump that does not know this key, so it must be one that the server cannot guess, 16 to 128 letters and digits.
// An error of to ends the dump and is returned.
func Dump(ctx context.Context, server Server, restrictKey string, to io.Writer) (Content, error) {
	if !restrictKeyPattern.MatchString(restrictKey) {
		return Content{}, errRestrictKey
	}
	size, err := Size(ctx, server)
	if err != nil {
		return Content{}, err
	}
	content, err := server.dump(ctx, server.Name, restrictKey, to)
	content.DatabaseBytes = size
	return content, err
}

// Size is what the database takes on its server's disk, in bytes. A dump is mostly smaller, since it holds no indexes.
func Size(ctx context.Context, server Server) (bytes int64, err error) {
	conn, err := server.connect(ctx, server.Name)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is pending on it
	err = conn.QueryRow(ctx, "select pg_database_size(current_database())").Scan(&bytes)
	return bytes, err
}

func (s Server) dump(ctx context.Context, database, restrictKey string, to io.Writer) (Content, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	environment, err := s.environment(ctx, database)
	if err != nil {
		return Content{}, err
	}
	// Only this pod sees the key among the arguments. It is no credential: whoever reads the dump reads it as well.
	program := exec.CommandContext(ctx, "pg_dump", "--format=plain", "--no-owner", "--no-privileges", "--no-password", //nolint:gosec // a constant program
		"--no-tablespaces", "--no-publications", "--no-subscriptions", "--lock-wait-timeout=60s", "--restrict-key="+restrictKey)
	said := &tail{}
	program.Env, program.Stderr, program.WaitDelay = environment, said, stopDelay
	stream, err := program.StdoutPipe()
	if err != nil {
		return Content{}, err
	}
	if err := program.Start(); err != nil {
		return Content{}, fmt.Errorf("start pg_dump: %w", err)
	}
	reader := newReader()
	if err := pass(stream, reader, to); err != nil {
		cancel()
		_ = program.Wait() // ended by us
		return Content{}, err
	}
	if err := said.explain(ctx, "pg_dump", program.Wait()); err != nil {
		return Content{}, err
	}
	return reader.content()
}

// pass copies a stream to both writers.
func pass(from io.Reader, reader *reader, to io.Writer) error {
	buffer := make([]byte, chunk)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			reader.read(buffer[:n])
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
