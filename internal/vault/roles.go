package vault

import (
	"context"
	"slices"
	"strings"
	"time"
)

// listFor is how long one list of the PKI mount's roles serves every environment. Vault has no list by prefix, so each list is of all
// environments, and one for each of them would grow with the square of their number.
const listFor = 5 * time.Second

// roleList is what the PKI mount's roles were found to be, and what this process has done to them since.
type roleList struct {
	// turn guards the rest. It is a channel so that waiting for somebody else's list ends with the caller's context.
	turn  chan struct{}
	names []string
	// asked is when the list was asked for: it has what was there then.
	asked time.Time
}

func newRoleList() *roleList { return &roleList{turn: make(chan struct{}, 1)} }

// startingWith gives the names with a prefix from a list that was asked for at the time since or later.
func (l *roleList) startingWith(ctx context.Context, prefix string, since time.Time, list func(context.Context) ([]string, error)) ([]string, error) {
	if err := l.lock(ctx); err != nil {
		return nil, err
	}
	defer l.unlock()
	if l.asked.Before(since) {
		asked := time.Now()
		names, err := list(ctx)
		if err != nil {
			return nil, err
		}
		slices.Sort(names)
		l.names, l.asked = names, asked
	}
	first, _ := slices.BinarySearch(l.names, prefix)
	last := first
	for last < len(l.names) && strings.HasPrefix(l.names[last], prefix) {
		last++
	}
	return slices.Clone(l.names[first:last]), nil
}

// note that a role was written or removed. A list that is under way is waited for, as it may have come too soon to show it.
func (l *roleList) note(ctx context.Context, name string, exists bool) error {
	if err := l.lock(ctx); err != nil {
		return err
	}
	defer l.unlock()
	at, known := slices.BinarySearch(l.names, name)
	switch {
	case exists && !known:
		l.names = slices.Insert(l.names, at, name)
	case !exists && known:
		l.names = slices.Delete(l.names, at, at+1)
	}
	return nil
}

func (l *roleList) lock(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *roleList) unlock() { <-l.turn }
