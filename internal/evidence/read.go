package evidence

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrUntrusted says that another key has signed than those that are trusted.
var ErrUntrusted = errors.New("the statement is signed by another key than the environment's evidence key")

// kindDestruction is the kind of a DestructionStatement.
const kindDestruction = "DestructionStatement"

// Read verifies a certificate, as it stands in its ConfigMap, by the environment's evidence keys, of which any may have signed, and
// gives the text of its statement: of a destruction, a drill or a review. What it says is looked at only when its signature fits.
func Read(certificate []byte, trusted ...ed25519.PublicKey) (string, error) {
	var c Certificate
	decoder := json.NewDecoder(bytes.NewReader(certificate))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return "", fmt.Errorf("the certificate: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("the certificate: there is more after its end")
	}
	text, err := c.Text()
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(trusted, func(key ed25519.PublicKey) bool { return key.Equal(c.PublicKey) }) {
		return "", ErrUntrusted
	}
	var of struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal([]byte(text), &of); err != nil {
		return "", fmt.Errorf("reading the statement: %w", err)
	}
	if !slices.Contains([]string{kindDestruction, kindDrill, KindReview}, of.Kind) {
		return "", fmt.Errorf("a %q is neither a DestructionStatement, a DrillStatement nor a ReviewStatement", of.Kind)
	}
	return text, nil
}
