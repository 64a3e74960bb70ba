package agent_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/agent/config"
)

const webHost = "web.crm-acme--prod.svc"

// webPod is an application that sends back what it gets, and its agent.
type webPod struct {
	installation *agenttest.Installation
	agent        *running
	roots        *x509.CertPool
}

// startWeb runs the pod of acme.prod's component web, whose certificates live for ttl seconds.
func startWeb(t *testing.T, ttl int64) *webPod {
	t.Helper()
	installation := agenttest.Install(t)
	cfg := installation.Component(t, "acme", "prod", "web", webHost)
	cfg.DataKey, cfg.Admin = nil, nil
	cfg.Certificate.TTLSeconds = ttl
	cfg.Inbound = &config.Inbound{Forward: echo(t)}
	w := &webPod{installation: installation, roots: x509.NewCertPool()}
	w.agent = start(t, cfg, installation.TokenFile(t, "acme", "prod", "web"), t.TempDir())
	w.agent.awaitStarted(t)
	authority, err := installation.Root.Logical().Read("root/cert/ca")
	require.NoError(t, err)
	require.True(t, w.roots.AppendCertsFromPEM([]byte(authority.Data["certificate"].(string))))
	return w
}

// echo is an application that answers with what it got once it got all of it.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // the test is over
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn) //nolint:errcheck // the peer may be gone
				conn.Close()        //nolint:errcheck // as above
			}()
		}
	}()
	return listener.Addr().String()
}

func (w *webPod) dial(t *testing.T, settings *tls.Config) (*tls.Conn, error) {
	t.Helper()
	settings.RootCAs, settings.ServerName = w.roots, webHost
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: eventually}, "tcp", w.agent.InboundAddress, settings)
	if err == nil {
		t.Cleanup(func() { conn.Close() }) //nolint:errcheck // the test may have closed it
	}
	return conn, err
}

func roundTrip(t *testing.T, conn *tls.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(conn, text)
	require.NoError(t, err)
	answer := make([]byte, len(text))
	_, err = io.ReadFull(conn, answer)
	require.NoError(t, err)
	assert.Equal(t, text, string(answer))
}

func TestUsersReachTheApplicationOverTLS(t *testing.T) {
	w := startWeb(t, 3600)
	w.agent.awaitProbe(t, "/ready", http.StatusOK, "ok")

	t.Run("an answer follows the end of the request", func(t *testing.T) {
		conn, err := w.dial(t, &tls.Config{NextProtos: []string{"h2", "http/1.1"}})
		require.NoError(t, err)
		assert.Equal(t, "http/1.1", conn.ConnectionState().NegotiatedProtocol)
		request := strings.Repeat("0123456789", 1<<17)
		go func() {
			io.WriteString(conn, request) //nolint:errcheck // the length of the answer shows it
			conn.CloseWrite()             //nolint:errcheck // as above
		}()
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		assert.Len(t, answer, len(request))
	})
	t.Run("an older TLS is refused", func(t *testing.T) {
		_, err := w.dial(t, &tls.Config{MaxVersion: tls.VersionTLS12})
		assert.ErrorContains(t, err, "protocol version")
	})
	t.Run("plain text gets no answer", func(t *testing.T) {
		conn, err := net.Dial("tcp", w.agent.InboundAddress)
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n")
		require.NoError(t, err)
		answer, _ := io.ReadAll(conn)
		assert.NotContains(t, string(answer), "GET")
	})
}

func TestANewHandshakeGetsTheRenewedCertificateAndAnOpenConnectionGoesOn(t *testing.T) {
	w := startWeb(t, 5)
	open, err := w.dial(t, &tls.Config{})
	require.NoError(t, err)
	first := open.ConnectionState().PeerCertificates[0].SerialNumber

	require.Eventually(t, func() bool {
		conn, err := w.dial(t, &tls.Config{})
		if err != nil {
			return false
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Cmp(first) != 0
	}, eventually, poll)
	roundTrip(t, open, "still there")
}

func TestNewHandshakesNeedNoVaultWhileTheCertificateIsGood(t *testing.T) {
	// Renewal begins after ten seconds; the rest is for the handshakes after it.
	w := startWeb(t, 16)
	serial := w.handshake(t)
	w.installation.Vault.Stop(t)
	assert.Equal(t, serial, w.handshake(t), "Vault is away")

	w.installation.Vault.Restart(t) // It comes back sealed.
	assert.Equal(t, serial, w.handshake(t), "Vault is sealed")
	require.Eventually(t, func() bool {
		return strings.Contains(w.agent.log.String(), "The certificate cannot be renewed yet; it is still good")
	}, eventually, poll)
	assert.Equal(t, serial, w.handshake(t), "the certificate should be new by now")
	w.agent.awaitProbe(t, "/ready", http.StatusOK, "ok")
}

// handshake makes a new connection, reaches the application over it, and gives the serial number of the certificate.
func (w *webPod) handshake(t *testing.T) string {
	t.Helper()
	conn, err := w.dial(t, &tls.Config{})
	require.NoError(t, err)
	roundTrip(t, conn, "from a new user")
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestAnExpiredCertificateIsSaidClearlyAndReplacedWhenVaultIsBack(t *testing.T) {
	w := startWeb(t, 4)
	open, err := w.dial(t, &tls.Config{})
	require.NoError(t, err)

	w.installation.Vault.Seal(t)
	require.Eventually(t, func() bool {
		return strings.Contains(w.agent.log.String(), "The certificate cannot be renewed yet; it is still good")
	}, eventually, poll)
	w.agent.awaitProbe(t, "/started", http.StatusServiceUnavailable, "CertificateExpired")
	require.Eventually(t, func() bool {
		return strings.Contains(w.agent.log.String(), "The certificate has expired and cannot be renewed")
	}, eventually, poll)
	roundTrip(t, open, "an open connection goes on")
	_, err = w.dial(t, &tls.Config{})
	require.ErrorContains(t, err, "expired", "a new one is not taken for a good one")

	w.installation.Vault.Unseal(t)
	w.agent.awaitStarted(t)
	conn, err := w.dial(t, &tls.Config{})
	require.NoError(t, err)
	roundTrip(t, conn, "a new one as well")
}

func TestAStoppedAgentLetsConnectionsEnd(t *testing.T) {
	w := startWeb(t, 3600)
	conn, err := w.dial(t, &tls.Config{})
	require.NoError(t, err)
	roundTrip(t, conn, "before")

	stopped := make(chan struct{})
	go func() { _ = w.agent.stop(); close(stopped) }()
	require.Eventually(t, func() bool {
		refused, err := net.DialTimeout("tcp", w.agent.InboundAddress, time.Second)
		if err == nil {
			refused.Close() //nolint:errcheck // only its making is wanted
		}
		return err != nil
	}, eventually, poll, "a stopped agent should take no new connection")
	roundTrip(t, conn, "after")
	require.NoError(t, conn.Close())

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	select {
	case <-stopped:
	case <-ctx.Done():
		t.Error("the agent should end with its last connection")
	}
}
