// Package secret holds values that must not be printed.
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// String is text that shows itself as "[redacted]" to fmt, slog and every encoder. Only Reveal gives the text.
type String struct{ text string }

// New wraps text.
func New(text string) String { return String{text: text} }

// Reveal gives the text. Its result goes into the application's memory files, to Vault, and nowhere else.
func (s String) Reveal() string { return s.text }

// String implements fmt.Stringer.
func (String) String() string { return redacted }

// GoString implements fmt.GoStringer, for %#v.
func (String) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb reaches the field.
func (String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue implements slog.LogValuer.
func (String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, and with it JSON and YAML.
func (String) MarshalText() ([]byte, error) { return []byte(redacted), nil }
