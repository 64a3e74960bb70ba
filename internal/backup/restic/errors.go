package restic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// Cause of an Error.
type Cause string

// Causes.
const (
	RepositoryMissing Cause = "RepositoryMissing"
	RepositoryLocked  Cause = "RepositoryLocked"
	// WrongPassword says that the repository has another password.
	WrongPassword Cause = "WrongPassword"
	// Damaged says that what was read is not what was written.
	Damaged Cause = "RepositoryDamaged"
	// Incomplete says that some files could not be read.
	Incomplete Cause = "FilesUnreadable"
	// Full says that the location has no space left.
	Full Cause = "LocationFull"
	// AccessDenied says that the location does not accept the credentials.
	AccessDenied Cause = "AccessDenied"
	// ConnectionLost says that the location does not answer any more.
	ConnectionLost Cause = "Unreachable"
	// Failed is any other cause.
	Failed Cause = "ResticFailed"
)

// Error is what the program ended with. It holds nothing secret.
type Error struct {
	Cause   Cause
	Message string
}

func (e *Error) Error() string { return e.Message }

// IsCause tells whether err was caused so.
func IsCause(err error, cause Cause) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Cause == cause
}

// Exit codes of restic since 0.17.
var exitCodes = map[int]Error{
	3:  {Incomplete, "some files could not be read"},
	10: {RepositoryMissing, "there is no repository"},
	11: {RepositoryLocked, "the repository is locked"},
	12: {WrongPassword, "the repository has another password than the key beside it says"},
}

// texts tell causes apart that share an exit code. The first that matches counts.
var texts = []struct {
	pattern *regexp.Regexp
	cause   Cause
	message string
}{
	{regexp.MustCompile(`(?i)no space left|QuotaExceeded|StorageFull|disk quota|InsufficientStorage|\b507\b`), Full, "no space is left at the location"},
	{regexp.MustCompile(`(?i)AccessDenied|access denied|InvalidAccessKeyId|SignatureDoesNotMatch`), AccessDenied, "the location refuses the credentials"},
	{regexp.MustCompile(`(?i)ciphertext verification failed|hash does not match|contains errors|does not match id|invalid data returned|damaged`),
		Damaged, "what the repository holds is damaged"},
	{regexp.MustCompile(`(?i)connection (refused|reset|timed out)|no such host|i/o timeout|unexpected EOF|\bEOF\b|broken pipe|no route to host|tls:|x509:`),
		ConnectionLost, "the connection to the location was lost"},
}

// explain gives the end of a program its cause.
func explain(ctx context.Context, err error, said *tail) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ended, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return fmt.Errorf("run restic: %w", err)
	}
	if known, ok := exitCodes[ended.ExitCode()]; ok {
		return &known
	}
	message := said.message()
	for _, text := range texts {
		if text.pattern.Match(said.kept) {
			return &Error{Cause: text.cause, Message: text.message + ": " + message}
		}
	}
	return &Error{Cause: Failed, Message: fmt.Sprintf("restic ended with %v: %s", ended, message)}
}

// maxSaid is how much of what the program says is kept, and maxMessage how much of it is shown, in bytes.
const (
	maxSaid    = 16 << 10
	maxMessage = 300
)

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxSaid; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// message is the program's last word.
func (t *tail) message() string {
	text := ""
	for line := range bytes.Lines(t.kept) {
		var end struct {
			Type    string `json:"message_type"`
			Message string `json:"message"`
		}
		if json.Unmarshal(line, &end) == nil && end.Type == "exit_error" {
			text = end.Message
		} else if text == "" || end.Type == "" {
			text = string(line)
		}
	}
	text = strings.ToValidUTF8(strings.TrimSpace(strings.TrimPrefix(text, "Fatal: ")), "")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
