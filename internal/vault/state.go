package vault

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// State is what an environment has in Vault now. It holds no secret.
type State struct {
	// EncryptionKey and EvidenceKey are nil when they do not exist.
	EncryptionKey *Key
	EvidenceKey   *Key
	// DataKey is nil when there is none.
	DataKey *DataKey
	// Roles by the name of the PKI role. A role that only exists in part has a nil half.
	Roles map[string]Role
	// Stale names PKI roles of the environment that the layout does not have.
	Stale []string
}

// Role is a component's role as it exists.
type Role struct {
	PKI  *layout.PKIRole
	Auth *layout.AuthRole
}

// Key is a transit key as it exists.
type Key struct {
	layout.TransitKey
	DeletionAllowed      bool        `json:"deletion_allowed"`
	Derived              bool        `json:"derived"`
	Imported             bool        `json:"imported_key"`
	LatestVersion        int64       `json:"latest_version"`
	MinDecryptionVersion int64       `json:"min_decryption_version"`
	Versions             keyVersions `json:"keys"`
}

// LastRotation is when the newest version was made, or the zero time.
func (k *Key) LastRotation() time.Time {
	return k.Versions[strconv.FormatInt(k.LatestVersion, 10)].created
}

// Created is when the first version was made, or the zero time when Vault no longer tells.
func (k *Key) Created() time.Time { return k.Versions["1"].created }

// keyVersions are by version number.
type keyVersions map[string]keyVersion

// keyVersion is a version of a key: of a symmetric one Vault tells the time as a number, of a pair an object.
type keyVersion struct {
	created   time.Time
	publicKey string
}

func (v *keyVersion) UnmarshalJSON(data []byte) error {
	if seconds, err := strconv.ParseInt(string(data), 10, 64); err == nil {
		v.created = time.Unix(seconds, 0).UTC()
		return nil
	}
	var pair struct {
		CreationTime time.Time `json:"creation_time"`
		PublicKey    string    `json:"public_key"`
	}
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	v.created, v.publicKey = pair.CreationTime, pair.PublicKey
	return nil
}

// DataKey is an environment's wrapped data key as it exists.
type DataKey struct {
	// KeyVersion is the version of the encryption key that wraps it.
	KeyVersion int64

	// stored is what the kv engine has, and revision its revision there.
	stored   storedDataKey
	revision int64
}

// storedDataKey is how a wrapped data key lies in the kv engine.
type storedDataKey struct {
	Ciphertext string `json:"ciphertext"`
	// Source is what a restore has written beside a copy's, by which it knows its own again. See internal/backup/keys.
	Source string `json:"source,omitempty"`
}

// wrappedVersion reads the version out of "vault:v3:…".
func wrappedVersion(ciphertext string) (int64, error) {
	rest, ok := strings.CutPrefix(ciphertext, "vault:v")
	if ok {
		number, _, _ := strings.Cut(rest, ":")
		if version, err := strconv.ParseInt(number, 10, 64); err == nil {
			return version, nil
		}
	}
	return 0, errors.New("the wrapped data key has no version")
}
