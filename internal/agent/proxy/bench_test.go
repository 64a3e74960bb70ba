package proxy

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkDatabase compares a connection through the agent with a client's own TLS in one run: queries with short answers, whose
// time is round trips, and long answers, whose time is bytes.
func BenchmarkDatabase(b *testing.B) {
	for _, load := range []struct {
		name             string
		request, respond uint32
	}{{"short", 100, 300}, {"row", 200, 8 << 10}, {"bulk", 200, 1 << 20}} {
		b.Run(load.name, func(b *testing.B) {
			address, settings := database(b, 'S', answerer)
			b.Run("direct", func(b *testing.B) {
				conn, err := secure(b.Context(), dialLocal(b, address), settings)
				require.NoError(b, err)
				exchange(b, conn, load.request, load.respond)
			})
			b.Run("proxy", func(b *testing.B) {
				exchange(b, dialLocal(b, proxyTo(b, address, settings)), load.request, load.respond)
			})
		})
	}
}

// BenchmarkConnect is what a new connection costs: an application without a pool makes one for each request.
func BenchmarkConnect(b *testing.B) {
	address, settings := database(b, 'S', func(*tls.Conn) {})
	connect := func(b *testing.B, dial func() io.ReadWriteCloser) {
		for b.Loop() {
			conn := dial()
			_, err := io.WriteString(conn, packet(protocol3, ""))
			require.NoError(b, err)
			_, err = io.ReadFull(conn, make([]byte, 2))
			require.NoError(b, err)
			require.NoError(b, conn.Close())
		}
	}
	b.Run("direct", func(b *testing.B) {
		connect(b, func() io.ReadWriteCloser {
			conn, err := secure(b.Context(), dialLocal(b, address), settings)
			require.NoError(b, err)
			return conn
		})
	})
	b.Run("proxy", func(b *testing.B) {
		proxied := proxyTo(b, address, settings)
		connect(b, func() io.ReadWriteCloser { return dialLocal(b, proxied) })
	})
}

// exchange sends requests that say how long they are and how long the answer is to be.
func exchange(b *testing.B, conn io.ReadWriter, request, respond uint32) {
	b.Helper()
	_, err := io.WriteString(conn, packet(protocol3, ""))
	require.NoError(b, err)
	_, err = io.ReadFull(conn, make([]byte, 2))
	require.NoError(b, err)

	message := make([]byte, request)
	binary.BigEndian.PutUint32(message, request)
	binary.BigEndian.PutUint32(message[4:], respond)
	answer := make([]byte, respond)
	b.SetBytes(int64(request + respond))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// answerer is a server that sends what exchange asks for, in pieces of 8 KiB as Postgres does.
func answerer(conn *tls.Conn) {
	const piece = 8 << 10
	request, answer := make([]byte, 1<<10), make([]byte, piece)
	for {
		if _, err := io.ReadFull(conn, request[:8]); err != nil {
			return
		}
		if _, err := io.ReadFull(conn, request[8:binary.BigEndian.Uint32(request)]); err != nil {
			return
		}
		for left := int(binary.BigEndian.Uint32(request[4:])); left > 0; left -= piece {
			if _, err := conn.Write(answer[:min(left, piece)]); err != nil {
				return
			}
		}
	}
}
