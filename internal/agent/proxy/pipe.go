package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// stream is a connection whose directions end one by one: *net.TCPConn and *tls.Conn.
type stream interface {
	net.Conn
	CloseWrite() error
}

// bufferSize holds the largest TLS record. More brings nothing, since a TLS connection gives one record per read and sends one per
// write, and idle connections hold two.
const bufferSize = 16 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// pipe passes bytes both ways until both directions ended, one failed, or ctx ended. It closes both streams.
func pipe(ctx context.Context, a, b stream) {
	closeBoth := func() {
		a.Close() //nolint:errcheck // the peers see the end either way
		b.Close() //nolint:errcheck // as above
	}
	defer closeBoth()
	stop := context.AfterFunc(ctx, closeBoth)
	defer stop()

	var directions sync.WaitGroup
	directions.Go(func() { flow(b, a, closeBoth) })
	flow(a, b, closeBoth)
	directions.Wait()
}

// flow passes bytes from one stream to the other. The end of the one becomes the end of the other's direction; any failure is the
// end of the connection.
func flow(to, from stream, fail func()) {
	buffer := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buffer)
	for {
		n, err := from.Read(buffer[:])
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				fail()
				return
			}
		}
		if errors.Is(err, io.EOF) {
			if to.CloseWrite() != nil {
				fail()
			}
			return
		}
		if err != nil {
			fail()
			return
		}
	}
}
