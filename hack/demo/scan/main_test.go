package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const secret = "correct horse battery"

func scanFor(t *testing.T, content string, wanted request) error {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(wanted)
	if err != nil {
		t.Fatal(err)
	}
	return run(strings.NewReader(string(in)), io.Discard, []string{dir})
}

func TestASecretIsFoundInEveryForm(t *testing.T) {
	for name, content := range map[string]string{
		"as it is":                             "password=" + secret,
		"in hexadecimal":                       hex.EncodeToString([]byte(secret)),
		"in base64":                            base64.StdEncoding.EncodeToString([]byte(secret)),
		"in base64 for URLs":                   base64.URLEncoding.EncodeToString([]byte(secret)),
		"one byte into a longer base64 text":   base64.StdEncoding.EncodeToString([]byte("x" + secret + "yz")),
		"two bytes into a longer base64 text":  base64.StdEncoding.EncodeToString([]byte("xy" + secret + "z")),
		"some bytes into a longer base64 text": base64.StdEncoding.EncodeToString([]byte(`{"password":"` + secret + `"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			err := scanFor(t, content, request{Absent: map[string][]byte{"password": []byte(secret)}})
			if err == nil {
				t.Fatal("not found")
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error tells the secret")
			}
		})
	}
}

func TestAnotherTextIsNotTakenForTheSecret(t *testing.T) {
	if err := scanFor(t, "correct horse stable", request{Absent: map[string][]byte{"password": []byte(secret)}}); err != nil {
		t.Error(err)
	}
}

func TestASearchThatFindsNoCanaryFails(t *testing.T) {
	if err := scanFor(t, "nothing", request{Present: map[string][]byte{"canary": []byte("canary in a mine")}}); err == nil {
		t.Error("passed")
	}
}

func TestAValueThatWouldBeFoundByChanceIsRefused(t *testing.T) {
	if err := scanFor(t, "nothing", request{Absent: map[string][]byte{"password": []byte("1234")}}); err == nil {
		t.Error("passed")
	}
}
