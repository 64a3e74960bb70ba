package credential

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

const (
	// alphabet leaves out what people confuse when they read it aloud or type it off: 0O 1Il 5S 8B 2Z.
	alphabet = "34679ACDEFGHJKLMNPQRTUVWXYabcdefghijkmnopqrstuvwxyz"
	// passwordLength of distinct characters from alphabet gives 126 bits.
	passwordLength = 24
)

// Account gives an account's login and password as the values of the bindings "<name>.login" and "<name>.password". When Vault has none it
// makes the password; of several callers that make one at the same time, all get the one that was stored first.
func Account(ctx context.Context, vault Vault, name string, at config.Account) (map[string]secret.String, error) {
	stored, err := readKV(ctx, vault, at.Path)
	if err != nil {
		return nil, err
	}
	if stored == nil {
		if stored, err = createAccount(ctx, vault, at); err != nil {
			return nil, err
		}
	}
	login, _ := stored["login"].(string)
	password, _ := stored["password"].(string)
	if login == "" || password == "" {
		return nil, fmt.Errorf("%s has no login or no password", at.Path)
	}
	return map[string]secret.String{name + ".login": secret.New(login), name + ".password": secret.New(password)}, nil
}

func createAccount(ctx context.Context, vault Vault, at config.Account) (map[string]any, error) {
	password, err := NewPassword()
	if err != nil {
		return nil, err
	}
	mine := map[string]any{"login": at.Login, "password": password.Reveal()}
	_, failure := vault.Write(ctx, at.Path, map[string]any{"data": mine, "options": map[string]any{"cas": 0}})
	if failure == nil {
		return mine, nil
	}
	// Somebody may have been faster, or the answer to a write that succeeded was lost: what is stored counts.
	stored, err := readKV(ctx, vault, at.Path)
	if err != nil || stored == nil {
		return nil, failure
	}
	return stored, nil
}

// NewPassword makes a password of 126 bits that people can read aloud and type off. It draws distinct characters, which also satisfies products
// that measure a password by its variety.
func NewPassword() (secret.String, error) {
	letters := []byte(alphabet)
	for i := range passwordLength {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters)-i)))
		if err != nil {
			return secret.String{}, err
		}
		j := i + int(n.Int64())
		letters[i], letters[j] = letters[j], letters[i]
	}
	return secret.New(string(letters[:passwordLength])), nil
}
