package database

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
)

// maxMessage is how much of what a program says is kept, in bytes.
const maxMessage = 300

// maxStderr is how much of it is looked at.
const maxStderr = 16 << 10

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxStderr; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// serverError is an error of the server as psql shows it with VERBOSITY=verbose.
var serverError = regexp.MustCompile(`(?:ERROR|FATAL|PANIC):  ([0-9A-Z]{5}): (.*)`)

// namesOnly tells of an SQLSTATE whether its message names objects and no value of a row: rights, resources, limits, states of the
// server and what it does not support.
func namesOnly(state string) bool {
	switch state {
	case "42501", "42704", "42883", "42P01", "42P04", "0A000":
		return true
	}
	switch state[:2] {
	case "08", "28", "3D", "53", "54", "55", "57", "58":
		return true
	}
	return false
}

// ownError is an error of a program itself: `pg_dump: error: …`, `psql:<stdin>:5: error: …`.
var ownError = regexp.MustCompile(`^(?:pg_dump|psql):(?:.*?:)? error: (.*)`)

const dumpDetail = "pg_dump: detail: Error message from server: "

// explain gives a program's error what the program said of it. A program that was ended because ctx was has nothing to say.
func (t *tail) explain(ctx context.Context, program string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", program, ctx.Err())
	}
	if message := t.message(); message != "" {
		return fmt.Errorf("%s: %s", program, message)
	}
	return fmt.Errorf("%s: %w", program, err)
}

// message is what a program's errors say, without lines that may quote data: details, contexts, statements.
func (t *tail) message() string {
	var parts []string
	for line := range bytes.Lines(t.kept) {
		text := strings.TrimSpace(string(line))
		detail, isDetail := strings.CutPrefix(text, dumpDetail)
		if found := serverError.FindStringSubmatch(text); found != nil {
			parts = append(parts, shownError(found[1], found[2]))
		} else if found := ownError.FindStringSubmatch(text); found != nil {
			parts = append(parts, found[1])
		} else if isDetail {
			parts = append(parts, detail)
		}
	}
	return shorten(strings.Join(parts, "; "))
}

func shownError(state, text string) string {
	if namesOnly(state) {
		return text + " (SQLSTATE " + state + ")"
	}
	return "SQLSTATE " + state
}

func shorten(text string) string {
	text = strings.ToValidUTF8(text, "")
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}
