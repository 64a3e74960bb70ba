package operator

import (
	"bytes"
	"strings"
	"sync"
)

// logged is what a process has written. It may be read while the process writes.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// tail is with what an error can be understood; every start says the same.
func (l *logged) tail() string {
	const length = 8000
	l.mu.Lock()
	defer l.mu.Unlock()
	var text strings.Builder
	for line := range strings.Lines(l.text.String()) {
		if !strings.Contains(line, `"msg":"Starting `) {
			text.WriteString(line)
		}
	}
	return text.String()[max(0, text.Len()-length):]
}
