package proxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Codes that stand where a start-up message of Postgres has its protocol version.
const (
	codeCancel = 80877102
	codeTLS    = 80877103
	codeGSS    = 80877104
)

const (
	startupHeader = 8
	// maxStartup is the server's own limit for a start-up message, in bytes.
	maxStartup = 10000
	// maxRequests is how often a client may ask for encryption before it must start: once each for TLS and GSS.
	maxRequests = 2
)

// refused is the answer to a request for encryption: the connection inside the pod needs none.
var refused = []byte{'N'}

// startup is the first message of a client that the server must see.
type startup struct {
	message []byte
	// cancel marks a request to cancel another connection's query, which gets no answer.
	cancel bool
}

// readStartup reads a client's first messages and turns requests for encryption down.
func readStartup(client io.ReadWriter) (startup, error) {
	for range maxRequests + 1 {
		message, err := readPacket(client)
		if err != nil {
			return startup{}, err
		}
		switch binary.BigEndian.Uint32(message[4:]) {
		case codeTLS, codeGSS:
			if _, err := client.Write(refused); err != nil {
				return startup{}, err
			}
		case codeCancel:
			return startup{message: message, cancel: true}, nil
		default:
			return startup{message: message}, nil
		}
	}
	return startup{}, errors.New("the client asks for encryption again and again")
}

func readPacket(from io.Reader) ([]byte, error) {
	var header [startupHeader]byte
	if _, err := io.ReadFull(from, header[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(header[:4])
	if length < startupHeader || length > maxStartup {
		return nil, fmt.Errorf("a start-up message of %d bytes is not of the Postgres protocol", length)
	}
	message := make([]byte, length)
	copy(message, header[:])
	_, err := io.ReadFull(from, message[startupHeader:])
	return message, err
}

// tlsRequest asks a server for TLS.
func tlsRequest() []byte {
	request := binary.BigEndian.AppendUint32(nil, startupHeader)
	return binary.BigEndian.AppendUint32(request, codeTLS)
}

// SQLSTATEs of a connection that cannot be made.
const (
	cannotConnectNow  = "57P03"
	connectionFailure = "08006"
)

// fatal is an ErrorResponse that ends the connection; drivers show message to the user.
func fatal(sqlState, message string) []byte {
	var fields []byte
	for _, field := range []string{"SFATAL", "VFATAL", "C" + sqlState, "M" + message} {
		fields = append(append(fields, field...), 0)
	}
	fields = append(fields, 0)
	response := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(fields)+4)) //nolint:gosec // a few hundred bytes
	return append(response, fields...)
}
