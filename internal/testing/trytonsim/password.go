package trytonsim

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
)

// password of an account: what is asked for, as a test of what is given.
type password func(given string) bool

func clearText(text string) password {
	return func(given string) bool {
		return text != "" && subtle.ConstantTimeCompare([]byte(text), []byte(given)) == 1
	}
}

// hashed is a password of which there is a hash in passlib's form "$pbkdf2-sha512$<rounds>$<salt>$<sum>". No other one fits.
func hashed(hash string) password {
	parts := strings.Split(hash, "$")
	if len(parts) != 5 || parts[1] != "pbkdf2-sha512" {
		return func(string) bool { return false }
	}
	rounds, wrongRounds := strconv.Atoi(parts[2])
	// Passlib writes a dot for the plus sign of base64, and no padding.
	salt, wrongSalt := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(parts[3], ".", "+"))
	sum, wrongSum := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(parts[4], ".", "+"))
	return func(given string) bool {
		if wrongRounds != nil || wrongSalt != nil || wrongSum != nil || len(sum) != sha512.Size {
			return false
		}
		got, err := pbkdf2.Key(sha512.New, given, salt, rounds, len(sum))
		return err == nil && subtle.ConstantTimeCompare(got, sum) == 1
	}
}
