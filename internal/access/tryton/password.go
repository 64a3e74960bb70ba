package tryton

import (
	"crypto/rand"
	"math/big"
)

const (
	// passwordLetters are without those that look alike.
	passwordLetters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	// passwordLength gives more than 100 bits, as no letter comes twice.
	passwordLength = 20
)

// newPassword makes a password for a first login. Tryton may be set up to want many different letters, so all are different.
func newPassword() string {
	letters := []byte(passwordLetters)
	for i := range passwordLength {
		// The reader of crypto/rand never fails.
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters)-i)))
		if err != nil {
			panic(err)
		}
		j := i + int(n.Int64())
		letters[i], letters[j] = letters[j], letters[i]
	}
	return string(letters[:passwordLength])
}
