package manifest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/crmkeep/crmkeep/internal/evidence"
)

// MaxSize of a document, in bytes: some ten thousand tables.
const MaxSize = 4 << 20

// Errors of a document that is not to be believed.
var (
	ErrTooLarge = fmt.Errorf("the manifest is larger than %d bytes", MaxSize)
	// ErrUntrusted says that another key has signed it than the environment's.
	ErrUntrusted = errors.New("the manifest is not signed by the environment's evidence key")
)

// Encode gives the text that is to be signed: the same for the same manifest.
func (m Manifest) Encode() (string, error) {
	m.Kind, m.Format = Kind, Format
	if err := m.check(); err != nil {
		return "", err
	}
	return m.encode()
}

func (m Manifest) encode() (string, error) {
	out, err := json.Marshal(m)
	return string(out), err
}

// Document is a signed manifest as it is stored.
func Document(signed evidence.Certificate) ([]byte, error) {
	out, err := json.Marshal(signed)
	if err == nil && len(out) > MaxSize {
		err = ErrTooLarge
	}
	return out, err
}

// Digest of a document: SHA-256 in hexadecimal.
func Digest(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}

// Read verifies a document by the environment's evidence keys, of which any may have signed, and gives the manifest. What it has to say
// is looked at only when its signature fits.
func Read(document []byte, trusted ...ed25519.PublicKey) (Manifest, error) {
	if len(document) > MaxSize {
		return Manifest{}, ErrTooLarge
	}
	var signed evidence.Certificate
	if err := decode(document, &signed); err != nil {
		return Manifest{}, fmt.Errorf("the document: %w", err)
	}
	text, err := signed.Text()
	if err != nil {
		return Manifest{}, err
	}
	if !slices.ContainsFunc(trusted, func(key ed25519.PublicKey) bool { return key.Equal(signed.PublicKey) }) {
		return Manifest{}, ErrUntrusted
	}
	return parse(text)
}

func parse(text string) (Manifest, error) {
	var m Manifest
	if err := decode([]byte(text), &m); err != nil {
		return Manifest{}, fmt.Errorf("the manifest: %w", err)
	}
	// A field that is there twice, or in another spelling, could mean one thing here and another to the next reader.
	if again, err := m.encode(); err != nil || again != text {
		return Manifest{}, errors.New("the manifest is not in the form that crmkeep writes")
	}
	return m, m.check()
}

func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after its end")
	}
	return nil
}
