package trytonsim

import (
	"net/http"
	"time"
)

// Fault is what goes wrong. The zero value is that nothing does.
type Fault struct {
	delay  time.Duration
	after  int
	status int
	cut    bool
	// done says that the write at which it begins is done, though nobody hears of it.
	done bool
}

// None lets everything work again.
func None() Fault { return Fault{} }

// Slow lets every answer take that long.
func Slow(delay time.Duration) Fault { return Fault{delay: delay} }

// Down breaks every connection.
func Down() Fault { return Fault{cut: true, after: -1} }

// Status lets that many writes pass, and answers every later call with a status.
func Status(code, writes int) Fault { return Fault{status: code, after: writes} }

// Killed lets that many writes pass, and breaks the connection at the next one, which is not done, and at every later call.
func Killed(writes int) Fault { return Fault{cut: true, after: writes} }

// Lost lets that many writes pass, does the next one without an answer, and breaks the connection of every later call.
func Lost(writes int) Fault { return Fault{cut: true, after: writes, done: true} }

// faults counts the writes since Fail.
type faults struct {
	Fault
	writes int
	begun  bool
}

// meets says whether a call fails, and whether it is done nonetheless.
func (f *faults) meets(isWrite bool) (fails, done bool) {
	if f.status == 0 && !f.cut {
		return false, true
	}
	if f.after < 0 || f.begun {
		return true, false
	}
	if !isWrite {
		return false, true
	}
	f.writes++
	f.begun = f.writes > f.after
	return f.begun, !f.begun || f.done
}

// answer is what a call that fails gets.
func (f *faults) answer(w http.ResponseWriter) {
	if f.cut {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(f.status)
}
