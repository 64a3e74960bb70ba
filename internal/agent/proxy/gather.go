package proxy

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"os"
)

// gathered is a TLS connection whose Read gives every record that has arrived, as far as there is room. A server such as Postgres
// sends long answers in records of 8 KiB; passed on one by one, each would cost two system calls and wake the application up.
type gathered struct {
	*tls.Conn
	wire *wire
}

func gather(conn *net.TCPConn, settings *tls.Config) *gathered {
	w := &wire{TCPConn: conn, arrived: bufio.NewReaderSize(conn, bufferSize)}
	return &gathered{Conn: tls.Client(w, settings), wire: w}
}

// Read waits for one record and takes what else is there.
func (g *gathered) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.wire.dontWait = true
	defer func() { g.wire.dontWait = false }()
	for err == nil && n < len(p) {
		var more int
		if more, err = g.Conn.Read(p[n:]); errors.Is(err, os.ErrDeadlineExceeded) {
			return n, nil
		}
		n += more
	}
	return n, err
}

// wire is the connection below TLS. One read of it takes many records. One goroutine at a time may read.
type wire struct {
	*net.TCPConn
	arrived *bufio.Reader
	// dontWait makes Read fail like one whose deadline has passed, which TLS can go on after, where it would have to wait.
	dontWait bool
}

func (w *wire) Read(p []byte) (int, error) {
	if w.dontWait && w.arrived.Buffered() == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	return w.arrived.Read(p)
}
