package vault

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// mount stands for Vault's list of roles.
type mount struct {
	names []string
	lists int
	takes time.Duration
}

func (m *mount) list(context.Context) ([]string, error) {
	m.lists++
	names := slices.Clone(m.names)
	time.Sleep(m.takes) //nolint:forbidigo // the clock of synctest
	return names, nil
}

func names(t *testing.T, l *roleList, m *mount, prefix string, since time.Time) []string {
	t.Helper()
	got, err := l.startingWith(t.Context(), prefix, since, m.list)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func want(t *testing.T, got []string, names ...string) {
	t.Helper()
	if !slices.Equal(got, names) {
		t.Errorf("got %q, want %q", got, names)
	}
}

func TestAListOfRolesServesEverybodyUntilItIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newRoleList(), &mount{names: []string{"b.web", "a.web", "a.database", "aa.web"}}
		want(t, names(t, l, m, "a.", time.Now()), "a.database", "a.web")
		want(t, names(t, l, m, "b.", time.Now().Add(-listFor)), "b.web")
		if m.lists != 1 {
			t.Errorf("%d lists, want 1", m.lists)
		}
		m.names = nil
		time.Sleep(listFor + time.Second) //nolint:forbidigo // the clock of synctest
		want(t, names(t, l, m, "a.", time.Now().Add(-listFor)))
	})
}

func TestWhatThisProcessWritesIsInTheListAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newRoleList(), &mount{names: []string{"a.web"}}
		names(t, l, m, "a.", time.Now())
		for _, note := range []error{l.note(t.Context(), "a.worker", true), l.note(t.Context(), "a.web", false), l.note(t.Context(), "a.web", false)} {
			if note != nil {
				t.Fatal(note)
			}
		}
		want(t, names(t, l, m, "a.", time.Now().Add(-listFor)), "a.worker")
	})
}

func TestARoleThatIsWrittenDuringAListIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newRoleList(), &mount{takes: time.Second}
		go l.startingWith(t.Context(), "a.", time.Now(), m.list) //nolint:errcheck // m does not fail
		synctest.Wait()
		if err := l.note(t.Context(), "a.web", true); err != nil {
			t.Fatal(err)
		}
		want(t, names(t, l, m, "a.", time.Now().Add(-listFor)), "a.web")
	})
}

func TestARemovalDoesNotRelyOnAListFromBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newRoleList(), &mount{}
		names(t, l, m, "a.", time.Now())
		m.names = []string{"a.web"}  // Somebody else wrote it.
		time.Sleep(time.Millisecond) //nolint:forbidigo // the clock of synctest
		want(t, names(t, l, m, "a.", time.Now()), "a.web")
	})
}

func TestWhoWaitsForAListGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newRoleList(), &mount{takes: time.Hour}
		go l.startingWith(t.Context(), "a.", time.Now(), m.list) //nolint:errcheck // m does not fail
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.startingWith(ctx, "a.", time.Now(), m.list); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // the clock of synctest
	})
}
