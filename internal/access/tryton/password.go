package tryton

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

const (
	// hashRounds is few: a first password is random, so nobody finds it by trying, however quick that is. Tryton's own hash takes it a third of a
	// second for each account. It makes that one for every password that a person chooses.
	hashRounds = 100
	saltLength = 16
	// minPassword is the length below which a first password cannot be as random as that.
	minPassword = 16
)

// hash gives a first password in a form that Tryton verifies, that of passlib. So the password itself never gets to Tryton, which logs the
// arguments of calls that fail. A first password does not expire: Tryton has only a second, temporary password for those who
// forgot theirs, which it keeps readable in the database, and so in every backup.
func hash(password secret.String) (string, error) {
	if len(password.Reveal()) < minPassword {
		return "", fmt.Errorf("a first password has less than %d characters", minPassword)
	}
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // Never fails.
	sum, err := pbkdf2.Key(sha512.New, password.Reveal(), salt, hashRounds, sha512.Size)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$pbkdf2-sha512$%d$%s$%s", hashRounds, passlib64(salt), passlib64(sum)), nil
}

// passlib64 is base64 without padding, and with a dot for the plus sign.
func passlib64(content []byte) string {
	return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(content), "+", ".")
}
