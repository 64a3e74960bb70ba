package proxy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const serverName = "database.test"

var quiet = slog.New(slog.DiscardHandler)

// pair is a certificate for serverName that is its own CA.
func pair(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{serverName}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func listenLocal(t testing.TB) *net.TCPListener {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // the test is over
	return listener
}

// serve runs handle on a new listener until the test ends.
func serve(t testing.TB, handle Handler) string {
	t.Helper()
	listener := listenLocal(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Serve(ctx, quiet, listener, handle) //nolint:errcheck // it ends with the test
	}()
	t.Cleanup(func() { cancel(); <-done })
	return listener.Addr().String()
}

// newRelay gives a relay that ends with the test. Servers that use it must be started later, so that they end before.
func newRelay(t testing.TB) *Relay {
	t.Helper()
	relay, err := NewRelay()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, relay.Close()) })
	return relay
}

// database is a server that speaks the start of the Postgres protocol, answers "ok", and then does what then does.
func database(t testing.TB, answer byte, then func(conn *tls.Conn)) (address string, client *tls.Config) {
	t.Helper()
	certificate, pool := pair(t)
	settings := &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		DynamicRecordSizingDisabled: true,
	}
	address = serve(t, func(_ context.Context, conn net.Conn) {
		request := make([]byte, startupHeader)
		if _, err := io.ReadFull(conn, request); err != nil || !bytes.Equal(request, tlsRequest()) {
			return
		}
		if _, err := conn.Write([]byte{answer}); err != nil {
			return
		}
		secured := tls.Server(conn, settings)
		if _, err := readPacket(secured); err != nil {
			return
		}
		if _, err := io.WriteString(secured, "ok"); err == nil {
			then(secured)
		}
	})
	return address, &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool, ServerName: serverName, Certificates: []tls.Certificate{certificate}, DynamicRecordSizingDisabled: true,
	}
}

func proxyTo(t testing.TB, address string, settings *tls.Config) string {
	t.Helper()
	proxy := &Database{Address: address, TLS: func() (*tls.Config, error) { return settings, nil }, Relay: newRelay(t), Log: quiet}
	return serve(t, proxy.Handle)
}

func dialLocal(t testing.TB, address string) *net.TCPConn {
	t.Helper()
	conn, err := dial(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() }) //nolint:errcheck // the test may have closed it
	return conn
}

func echo(conn *tls.Conn) {
	io.Copy(conn, conn) //nolint:errcheck // the test sees what came
	conn.CloseWrite()   //nolint:errcheck // as above
}

func TestBytesPassBothWaysAndEachEndPassesByItself(t *testing.T) {
	address, settings := database(t, 'S', echo)
	conn := dialLocal(t, proxyTo(t, address, settings))
	text := make([]byte, 3*bufferSize+17)
	_, err := rand.Read(text)
	require.NoError(t, err)

	go func() {
		io.WriteString(conn, packet(protocol3, "user\x00crm\x00\x00")) //nolint:errcheck // the answer shows it
		conn.Write(text)                                               //nolint:errcheck // as above
		conn.CloseWrite()                                              //nolint:errcheck // as above
	}()
	got, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(append([]byte("ok"), text...), got))
}

func TestAConnectionThatBreaksOnOneSideBreaksOnTheOther(t *testing.T) {
	address, settings := database(t, 'S', func(conn *tls.Conn) {
		conn.NetConn().(*net.TCPConn).SetLinger(0) //nolint:errcheck // the reset is what the test sees
		conn.NetConn().Close()                     //nolint:errcheck // as above
	})
	conn := dialLocal(t, proxyTo(t, address, settings))
	_, err := io.WriteString(conn, packet(protocol3, ""))
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, conn)
	assert.NoError(t, err, "the connection should end")
}

func TestTheApplicationLearnsWhyThereIsNoConnection(t *testing.T) {
	good, settings := database(t, 'S', echo)
	noTLS, _ := database(t, 'N', echo)
	_, strangers := database(t, 'S', echo)
	otherName := settings.Clone()
	otherName.ServerName = "database.other"
	otherPair, _ := pair(t)
	otherClient := settings.Clone()
	otherClient.Certificates = nil
	otherClient.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &otherPair, nil }
	closed := listenLocal(t)
	require.NoError(t, closed.Close())

	for name, test := range map[string]struct {
		address  string
		settings *tls.Config
		want     string
	}{
		"nobody listens":               {closed.Addr().String(), settings, "C57P03\x00Mcrmkeep agent: the database at " + closed.Addr().String() + " does not take connections yet"},
		"the server has no TLS":        {noTLS, settings, "C08006\x00Mcrmkeep agent: the database at " + noTLS + " cannot be reached"},
		"the server has another name":  {good, otherName, "is not that of the environment's database"},
		"the server has another CA":    {good, strangers, "is not that of the environment's database"},
		"the server refuses the agent": {good, otherClient, "refused this pod's certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dialLocal(t, proxyTo(t, test.address, test.settings))
			_, err := io.WriteString(conn, packet(protocol3, "user\x00crm\x00\x00"))
			require.NoError(t, err)
			answer, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.NotEmpty(t, answer)
			assert.Equal(t, byte('E'), answer[0])
			assert.Contains(t, string(answer), test.want)
		})
	}

	t.Run("but a cancel request gets no answer", func(t *testing.T) {
		conn := dialLocal(t, proxyTo(t, closed.Addr().String(), settings))
		_, err := io.WriteString(conn, packet(codeCancel, ""))
		require.NoError(t, err)
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		assert.Empty(t, answer)
	})
}

func TestNoCertificateMeansNoConnection(t *testing.T) {
	proxy := &Database{Address: "127.0.0.1:1", TLS: func() (*tls.Config, error) { return nil, errors.New("none yet") }, Relay: newRelay(t), Log: quiet}
	conn := dialLocal(t, serve(t, proxy.Handle))
	_, err := io.WriteString(conn, packet(protocol3, ""))
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "FATAL")
}
