// Package spelling finds the name that somebody meant.
package spelling

import "slices"

// longest is how much of a word is compared: a name is short, and what is no name can be as long as a file.
const longest = 100

// Nearest gives the known name with the fewest edits from word, and the first of several. It is empty when nothing is known.
func Nearest(word string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	return slices.MinFunc(known, func(a, b string) int { return distance(start(word), start(a)) - distance(start(word), start(b)) })
}

func start(s string) string { return s[:min(longest, len(s))] }

// distance is Levenshtein's: insertions, deletions and substitutions.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		prev := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := prev
			if a[i] != b[j] {
				cost = 1 + min(prev, row[j], row[j+1])
			}
			prev, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
