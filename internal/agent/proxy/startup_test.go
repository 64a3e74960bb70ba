package proxy

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// packet is a start-up message with code where the protocol version is.
func packet(code uint32, rest string) string {
	header := binary.BigEndian.AppendUint32(nil, uint32(startupHeader+len(rest)))
	return string(binary.BigEndian.AppendUint32(header, code)) + rest
}

const protocol3 = 3 << 16

func TestAStartUpMessageIsReadWhateverEncryptionTheClientAskedForFirst(t *testing.T) {
	message := packet(protocol3, "user\x00crm\x00\x00")
	cancel := packet(codeCancel, "pid and secret")
	for name, test := range map[string]struct {
		sent, want, answer string
		cancel             bool
		fails              string
	}{
		"plain":                   {sent: message, want: message},
		"after TLS":               {sent: packet(codeTLS, "") + message, want: message, answer: "N"},
		"after GSS and TLS":       {sent: packet(codeGSS, "") + packet(codeTLS, "") + message, want: message, answer: "NN"},
		"cancel":                  {sent: cancel, want: cancel, cancel: true},
		"asking again and again":  {sent: strings.Repeat(packet(codeTLS, ""), 3), answer: "NNN", fails: "again and again"},
		"too long":                {sent: packet(protocol3, strings.Repeat("x", maxStartup)), fails: "not of the Postgres protocol"},
		"another protocol":        {sent: "GET / HTTP/1.1\r\n\r\n", fails: "not of the Postgres protocol"},
		"shorter than its header": {sent: "\x00\x00\x00\x04\x00\x03\x00\x00", fails: "not of the Postgres protocol"},
		"ends early":              {sent: message[:12], fails: "EOF"},
		"nothing":                 {fails: "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			client := &conversation{Reader: strings.NewReader(test.sent)}
			first, err := readStartup(client)
			assert.Equal(t, test.answer, client.String())
			if test.fails != "" {
				require.ErrorContains(t, err, test.fails)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, string(first.message))
			assert.Equal(t, test.cancel, first.cancel)
		})
	}
}

func FuzzStartUpMessages(f *testing.F) {
	f.Add([]byte(packet(codeTLS, "") + packet(protocol3, "user\x00crm\x00\x00")))
	f.Add([]byte(packet(codeCancel, "")))
	f.Fuzz(func(t *testing.T, sent []byte) {
		first, err := readStartup(&conversation{Reader: bytes.NewReader(sent)})
		if err == nil && !bytes.Contains(sent, first.message) {
			t.Errorf("made %q of %q", first.message, sent)
		}
	})
}

func TestAFatalErrorIsOneMessageOfTheProtocol(t *testing.T) {
	response := fatal(cannotConnectNow, "away")
	assert.Equal(t, byte('E'), response[0])
	assert.Equal(t, len(response)-1, int(binary.BigEndian.Uint32(response[1:])))
	assert.Equal(t, "SFATAL\x00VFATAL\x00C57P03\x00Maway\x00\x00", string(response[5:]))
}

// conversation reads what a client sends and keeps what it gets.
type conversation struct {
	io.Reader
	bytes.Buffer
}

func (c *conversation) Read(p []byte) (int, error)  { return c.Reader.Read(p) }
func (c *conversation) Write(p []byte) (int, error) { return c.Buffer.Write(p) }
