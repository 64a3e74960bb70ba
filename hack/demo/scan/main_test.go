package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	secret = "correct horse battery"
	canary = "canary in a mine"
)

// scanFor looks for an absent value in a folder that holds a text and the canary.
func scanFor(t *testing.T, content, absent string) error {
	t.Helper()
	dir := folder(t, content+" "+canary)
	return search(t, request{Present: map[string][]byte{dir: []byte(canary)}, Absent: map[string][]byte{"password": []byte(absent)}}, dir)
}

func folder(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func search(t *testing.T, wanted request, paths ...string) error {
	t.Helper()
	in, err := json.Marshal(wanted)
	if err != nil {
		t.Fatal(err)
	}
	return run(strings.NewReader(string(in)), io.Discard, paths)
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
			err := scanFor(t, content, secret)
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
	if err := scanFor(t, "correct horse stable", secret); err != nil {
		t.Error(err)
	}
}

func TestASearchThatFindsNoCanaryFails(t *testing.T) {
	with, without := folder(t, canary), folder(t, "nothing")
	missing := filepath.Join(without, "missing")
	for name, path := range map[string]string{"it is in another path only": without, "the path is missing": missing} {
		t.Run(name, func(t *testing.T) {
			if err := search(t, request{Present: map[string][]byte{with: []byte(canary), path: []byte(canary)}}, with, path); err == nil {
				t.Error("passed")
			}
		})
	}
	t.Run("none is given", func(t *testing.T) {
		if err := search(t, request{}, with); err == nil {
			t.Error("passed")
		}
	})
}

func TestAMissingPathIsNotPassedOver(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	err := search(t, request{Present: map[string][]byte{missing: []byte(canary)}}, missing)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestAValueThatWouldBeFoundByChanceIsRefused(t *testing.T) {
	if err := scanFor(t, "nothing", "1234"); err == nil {
		t.Error("passed")
	}
}
