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
	// Backups that the key had made and that were still recorded, oldest first: at most the newest 1000. BackupCount is how many there were.
	Backups     []DestroyedBackup `json:"backups"`
	BackupCount int               `json:"backupCount"`
	// Effect says in words what this means.
	Effect string `json:"effect"`
}

// DestroyedBackup is a backup that can no longer be read.
type DestroyedBackup struct {
	// Name of the CRMBackup, and ID of the backup in its repositories.
	Name string `json:"name"`
	ID   string `json:"id"`
	// CompletedAt is in RFC 3339.
	CompletedAt string `json:"completedAt"`
	// KeyVersion is the oldest version of the key that it needs.
	KeyVersion int64 `json:"keyVersion"`
	// Locations that hold it, and Repository where in each of them it is.
	Locations  []string `json:"locations"`
	Repository string   `json:"repository"`
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

// certificateField of a ConfigMap holds a Certificate.
const certificateField = "certificate.json"

// Data of the ConfigMap that holds the certificate.
func (c Certificate) Data() (map[string]string, error) {
	text, err := json.MarshalIndent(c, "", "  ")
	return map[string]string{certificateField: string(text)}, err
}

// Encode gives the text of a statement that is to be signed.
func (s DestructionStatement) Encode() (string, error) {
	s.Kind = "DestructionStatement"
	s.Effect = "Every copy of the environment's encrypted data needs the destroyed key and cannot be read any more. That includes all of its backups, " +
		"those listed here and any other that the key has made, wherever copies of them are."
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
