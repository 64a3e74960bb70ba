// Package terminal makes text harmless that somebody else has written, before a person's terminal shows it. It is pure.
package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Text escapes, as JSON does, whatever a terminal might take for more than text. Lines stay, and JSON keeps its meaning.
func Text(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Line(lines[i])
	}
	return strings.Join(lines, "\n")
}

// Line does so, and escapes line ends too.
func Line(text string) string {
	if !strings.ContainsFunc(text, unprintable) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if !unprintable(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
