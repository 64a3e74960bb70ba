// Package outcome gives every error of a reconcile one of three meanings: the object waits for something that somebody can do,
// the object is invalid until it is edited, or the failure is transient and is tried again with back-off.
package outcome

import (
	"errors"
	"fmt"
	"time"
)

// Waiting is an error that time or somebody else's action resolves; Message says which. It is not a failure.
type Waiting struct {
	// Reason is a CamelCase word for the condition.
	Reason string
	// Message tells the user what is waited for and what to do about it.
	Message string
	// After is when to look again. Zero means that a watch brings the object back.
	After time.Duration
}

func (w *Waiting) Error() string { return w.Reason + ": " + w.Message }

// Invalid is an error that only an edit of a watched object can resolve.
type Invalid struct {
	// Reason is a CamelCase word for the condition.
	Reason string
	// Message names the field, the value's problem and the remedy.
	Message string
}

func (i *Invalid) Error() string { return i.Reason + ": " + i.Message }

// Message is what err says to a person, for another message to end with: that of an outcome comes without its reason.
func Message(err error) string {
	if w, ok := AsWaiting(err); ok {
		return w.Message
	}
	if i, ok := AsInvalid(err); ok {
		return i.Message
	}
	return err.Error()
}

// Wait makes a Waiting error.
func Wait(reason string, after time.Duration, format string, args ...any) error {
	return &Waiting{Reason: reason, Message: fmt.Sprintf(format, args...), After: after}
}

// Reject makes an Invalid error.
func Reject(reason, format string, args ...any) error {
	return &Invalid{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// AsWaiting finds a Waiting in err's chain.
func AsWaiting(err error) (*Waiting, bool) {
	var w *Waiting
	return w, errors.As(err, &w)
}

// AsInvalid finds an Invalid in err's chain.
func AsInvalid(err error) (*Invalid, bool) {
	var i *Invalid
	return i, errors.As(err, &i)
}
