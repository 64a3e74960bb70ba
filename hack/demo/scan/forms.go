package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// shortest is the length in bytes below which a value would be found by chance.
const shortest = 8

// forms gives every form in which a value could have been written down.
func forms(value []byte) [][]byte {
	text := hex.EncodeToString(value)
	all := [][]byte{value, []byte(text), []byte(strings.ToUpper(text))}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		// Inside a longer text a value starts at any of three places between two characters of base64.
		for offset := range 3 {
			all = append(all, inner(encoding, value, offset))
		}
	}
	return all
}

// inner is what base64 of a text that holds value after offset bytes is sure to hold: the characters that depend on value alone.
func inner(encoding *base64.Encoding, value []byte, offset int) []byte {
	encoded := encoding.EncodeToString(append(bytes.Repeat([]byte{0}, offset), value...))
	bits := 8 * (offset + len(value))
	first := (8*offset + 5) / 6
	return []byte(encoded[first : bits/6])
}
