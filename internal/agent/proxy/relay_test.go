package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// passage is a connection through a relay, seen from its two ends.
type passage struct {
	plain   net.Conn
	secured *tls.Conn
	// end tells the relay to stop, and ended gives what it says.
	end   context.CancelFunc
	ended chan error
}

// cross carries a connection of the given network. wrap may change how the secured end reaches the network.
func cross(t testing.TB, network string, wrap func(net.Conn) net.Conn) *passage {
	t.Helper()
	relay := newRelay(t)
	certificate, pool := pair(t)
	plain, inner := connected(t, network)
	outer, carrier := connected(t, "tcp")
	p := &passage{plain: plain, ended: make(chan error, 1)}
	p.secured = tls.Server(wrap(outer), &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}, DynamicRecordSizingDisabled: true})
	client := tls.Client(&transport{carrier}, &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: serverName})
	answered := make(chan error, 1)
	go func() { answered <- p.secured.HandshakeContext(t.Context()) }()
	require.NoError(t, client.HandshakeContext(t.Context()))
	require.NoError(t, <-answered)

	ctx, end := context.WithCancel(context.Background())
	p.end = end
	var passing sync.WaitGroup
	passing.Go(func() { p.ended <- relay.pass(ctx, inner, client) })
	t.Cleanup(func() { end(); passing.Wait() })
	return p
}

func same(conn net.Conn) net.Conn { return conn }

// connected gives both ends of a connection.
func connected(t testing.TB, network string) (dialed, accepted net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	listener, err := net.Listen(network, address)
	require.NoError(t, err)
	defer listener.Close() //nolint:errcheck // it took the one connection
	dialed, err = net.Dial(network, listener.Addr().String())
	require.NoError(t, err)
	accepted, err = listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { dialed.Close(); accepted.Close() }) //nolint:errcheck // the test may have closed them
	return dialed, accepted
}

func random(t testing.TB, size int) []byte {
	t.Helper()
	text := make([]byte, size)
	_, err := rand.Read(text)
	require.NoError(t, err)
	return text
}

func TestLargeMessagesCrossEachOther(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			p := cross(t, network, same)
			text := random(t, 16<<20)
			var all sync.WaitGroup
			for _, conn := range []net.Conn{p.plain, p.secured} {
				all.Go(func() {
					_, err := conn.Write(text)
					assert.NoError(t, err)
				})
				all.Go(func() {
					got := make([]byte, len(text))
					_, err := io.ReadFull(conn, got)
					assert.NoError(t, err)
					assert.True(t, bytes.Equal(text, got))
				})
			}
			all.Wait()
		})
	}
}

// crumbs writes single bytes, so that each TLS record comes in many pieces.
type crumbs struct{ net.Conn }

func (c crumbs) Write(content []byte) (int, error) {
	for i := range content {
		if _, err := c.Conn.Write(content[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(content), nil
}

// lump keeps what is written until it is told to let go, so that many TLS records come in one piece.
type lump struct {
	net.Conn
	holding bool
	held    bytes.Buffer
}

func (l *lump) Write(content []byte) (int, error) {
	if l.holding {
		return l.held.Write(content)
	}
	return l.Conn.Write(content)
}

func TestRecordsOfTLSMayComeInPiecesOrManyAtOnce(t *testing.T) {
	text := random(t, 20_000)
	t.Run("in pieces", func(t *testing.T) {
		p := cross(t, "tcp", func(conn net.Conn) net.Conn { return crumbs{conn} })
		go p.secured.Write(text) //nolint:errcheck // the other end shows it
		got := make([]byte, len(text))
		_, err := io.ReadFull(p.plain, got)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(text, got))
	})
	t.Run("many at once", func(t *testing.T) {
		var l *lump
		p := cross(t, "tcp", func(conn net.Conn) net.Conn { l = &lump{Conn: conn}; return l })
		l.holding = true
		for i := range text {
			_, err := p.secured.Write(text[i : i+1])
			require.NoError(t, err)
		}
		go l.held.WriteTo(l.Conn) //nolint:errcheck // the other end shows it
		got := make([]byte, len(text))
		_, err := io.ReadFull(p.plain, got)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(text, got))
	})
}

func TestAnEndPassesAfterAllThatCameBeforeIt(t *testing.T) {
	text := random(t, 4<<20)
	t.Run("inwards", func(t *testing.T) {
		p := cross(t, "unix", same)
		go func() {
			p.secured.Write(text)       //nolint:errcheck // the other end shows it
			p.secured.CloseWrite()      //nolint:errcheck // as above
			io.ReadAll(p.secured)       //nolint:errcheck // until the other end is done
			p.secured.NetConn().Close() //nolint:errcheck // as above
		}()
		got, err := io.ReadAll(p.plain)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(text, got))
	})
	t.Run("outwards", func(t *testing.T) {
		p := cross(t, "unix", same)
		go func() {
			p.plain.Write(text)                  //nolint:errcheck // the other end shows it
			p.plain.(*net.UnixConn).CloseWrite() //nolint:errcheck // as above
		}()
		got, err := io.ReadAll(p.secured)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(text, got))
		require.NoError(t, p.secured.Close())
		assert.NoError(t, <-p.ended)
	})
}

func TestAnApplicationThatVanishesInTheMiddleOfAMessageEndsTheServersSession(t *testing.T) {
	p := cross(t, "tcp", same)
	_, err := p.plain.Write([]byte("half of a mess"))
	require.NoError(t, err)
	_, err = io.ReadFull(p.secured, make([]byte, 14))
	require.NoError(t, err)
	require.NoError(t, p.plain.(*net.TCPConn).SetLinger(0))
	require.NoError(t, p.plain.Close())
	_, err = io.Copy(io.Discard, p.secured)
	assert.NoError(t, err, "the session should end")
	assert.Error(t, <-p.ended)
}

func TestAServerThatBreaksOffEndsTheApplicationsConnection(t *testing.T) {
	p := cross(t, "tcp", same)
	require.NoError(t, p.secured.NetConn().Close())
	_, err := io.Copy(io.Discard, p.plain)
	assert.NoError(t, err, "the connection should end")
	require.NoError(t, p.plain.Close())
	<-p.ended //nolint:errcheck // it may have ended either way
}

func TestTheEndOfTheAgentEndsAConnectionWhateverItIsAt(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, p *passage){
		"idle": func(*testing.T, *passage) {},
		"the application does not read": func(t *testing.T, p *passage) {
			fill(t, p.secured)
		},
		"the server does not read": func(t *testing.T, p *passage) {
			fill(t, p.plain)
		},
		"neither reads": func(t *testing.T, p *passage) {
			fill(t, p.secured)
			fill(t, p.plain)
		},
		"the application ended its half": func(t *testing.T, p *passage) {
			require.NoError(t, p.plain.(*net.TCPConn).CloseWrite())
			_, err := io.ReadAll(p.secured)
			require.NoError(t, err)
		},
		"the server ended its half": func(t *testing.T, p *passage) {
			require.NoError(t, p.secured.CloseWrite())
			_, err := io.ReadAll(p.plain)
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := cross(t, "tcp", same)
			before(t, p)
			p.end()
			<-p.ended //nolint:errcheck // it may have ended either way
		})
	}
}

// fill writes until nobody takes any more.
func fill(t *testing.T, conn net.Conn) {
	t.Helper()
	content := make([]byte, 1<<20)
	for {
		require.NoError(t, conn.SetWriteDeadline(time.Now().Add(200*time.Millisecond)))
		if _, err := conn.Write(content); err != nil {
			return
		}
	}
}

func TestAPeerThatDoesNotReadHoldsTheOtherBackAndKeepsNobodyBusy(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	require.NoError(t, err)
	s := &socket{fd: ends[0]}
	defer unix.Close(ends[1]) //nolint:errcheck // the test is over
	defer s.Close()           //nolint:errcheck // as above
	for len(s.unsent) == 0 {
		_, err := s.Write(make([]byte, bufferSize))
		require.NoError(t, err)
	}
	l := &link{plain: s, carrier: &socket{fd: -1}, secured: tls.Client(&transport{}, &tls.Config{ServerName: serverName})}
	s.drained = true
	unsent := len(s.unsent)
	busy, err := l.step(make([]byte, bufferSize))
	require.NoError(t, err)
	assert.False(t, busy, "there is nothing to do until the peer reads")
	assert.Len(t, s.unsent, unsent)
	assert.False(t, l.wantsSecured(), "more for the peer must wait")
}

func TestARelayCarriesManyConnectionsAtOnce(t *testing.T) {
	address, settings := database(t, 'S', echo)
	proxied := proxyTo(t, address, settings)
	var all sync.WaitGroup
	for range 50 {
		conn := dialLocal(t, proxied)
		text := random(t, 100_000)
		all.Go(func() {
			go func() {
				io.WriteString(conn, packet(protocol3, "user\x00crm\x00\x00")) //nolint:errcheck // the answer shows it
				conn.Write(text)                                               //nolint:errcheck // as above
				conn.CloseWrite()                                              //nolint:errcheck // as above
			}()
			got, err := io.ReadAll(conn)
			assert.NoError(t, err)
			assert.True(t, bytes.Equal(append([]byte("ok"), text...), got))
		})
	}
	all.Wait()
}
