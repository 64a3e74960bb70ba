package validate

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// alike gives, for letters and digits that most fonts draw like a Latin letter, that letter. It is a choice of what Unicode lists in its
// technical standard 39: of the scripts that people mix with Latin, by mistake or by intent.
var alike = strings.NewReplacer(
	// Cyrillic
	"а", "a", "в", "b", "е", "e", "һ", "h", "і", "i", "ј", "j", "к", "k", "ӏ", "l", "м", "m", "н", "h", "о", "o", "р", "p", "ѕ", "s",
	"с", "c", "т", "t", "у", "y", "ѵ", "v", "х", "x", "ԁ", "d", "ԛ", "q", "ԝ", "w", "г", "r",
	// Greek
	"α", "a", "ε", "e", "η", "n", "ι", "i", "κ", "k", "ν", "v", "ο", "o", "ρ", "p", "τ", "t", "υ", "u", "χ", "x", "γ", "y",
	// Latin
	"ı", "i", "ɡ", "g", "ſ", "s",
	// Digits and signs
	"0", "o", "1", "l", "|", "l", "rn", "m", "vv", "w", "‐", "-", "–", "-", "—", "-", "’", "'", "‘", "'",
)

// looks gives what a name looks like, in two ways: with a capital I as the letter i, and as the l that it is mistaken for. Names that have
// one in common cannot be told apart.
func looks(name string) []string {
	name = norm.NFKC.String(name)
	return []string{"i:" + skeleton(name), "l:" + skeleton(strings.ReplaceAll(name, "I", "l"))}
}

func skeleton(name string) string {
	return alike.Replace(norm.NFKC.String(cases.Fold().String(name)))
}

// scripts whose letters look like Latin ones, or like one another's.
var scripts = []*unicode.RangeTable{
	unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu, unicode.Deseret,
}

// mixesScripts tells whether a name has letters of more than one of these. Latin together with Chinese, Japanese or Korean is fine.
func mixesScripts(name string) bool {
	found := 0
	for _, script := range scripts {
		if strings.ContainsFunc(norm.NFKC.String(name), func(r rune) bool { return unicode.Is(script, r) }) {
			found++
		}
	}
	return found > 1
}
