// Package evidence is what must be believed later, by somebody who trusts neither the cluster nor Vault: documents with a
// signature that anybody can verify offline. It is pure.
package evidence

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
)

// DestructionStatement says what a shred has destroyed.
type DestructionStatement struct {
	Kind        string `json:"kind"` // "DestructionStatement"
	Tenant      string `json:"tenant"`
	Environment string `json:"environment"`
	// UID of the CRMEnvironment.
	UID string `json:"uid"`
	// Purpose and Class of what ran.
	Purpose string `json:"purpose"`
	Class   string `json:"class"`
	// Owner is the person who answered for the data.
	Owner string `json:"owner,omitempty"`
	// RequestedAt is when the deletion was asked for, and DestroyedAt when Vault had destroyed the key; RFC 3339.
	RequestedAt string `json:"requestedAt"`
	DestroyedAt string `json:"destroyedAt"`
	// Key is the name in Vault of the destroyed key and KeyVersions how many versions it had.
	Key         string `json:"key"`
	KeyVersions int64  `json:"keyVersions"`
	// Effect says in words what this means.
	Effect string `json:"effect"`
}

// Certificate is a statement with its signature.
type Certificate struct {
	// Statement is the exact text that was signed.
	Statement string `json:"statement"`
	// Signature is Ed25519 over Statement. JSON has it in base64.
	Signature []byte `json:"signature"`
	// PublicKey verifies it. Compare it with one from elsewhere, such as an older certificate of the environment.
	PublicKey ed25519.PublicKey `json:"publicKey"`
}

// Encode gives the text of a statement that is to be signed.
func (s DestructionStatement) Encode() (string, error) {
	s.Kind = "DestructionStatement"
	s.Effect = "Every copy of the environment's encrypted data, backups included, needs the destroyed key and cannot be read any more."
	out, err := json.Marshal(s)
	return string(out), err
}

// ErrForged says that a certificate is not what was signed.
var ErrForged = errors.New("the signature does not fit the statement")

// Text gives the statement when its signature fits, by the certificate's own public key.
func (c Certificate) Text() (string, error) {
	if len(c.PublicKey) != ed25519.PublicKeySize || !ed25519.Verify(c.PublicKey, []byte(c.Statement), c.Signature) {
		return "", ErrForged
	}
	return c.Statement, nil
}

// Verify checks a certificate of destruction by its own public key.
func (c Certificate) Verify() (DestructionStatement, error) {
	var s DestructionStatement
	text, err := c.Text()
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("reading the statement: %w", err)
	}
	return s, nil
}
