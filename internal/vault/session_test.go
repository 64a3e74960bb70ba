package vault

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

func TestManyCallersShareOneLogin(t *testing.T) {
	var logins atomic.Int32
	s := newTestSessions(t, func(context.Context, *api.Client) (*api.Secret, error) {
		logins.Add(1)
		return token(3600), nil
	})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := s.get(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if logins.Load() != 1 {
		t.Errorf("%d logins", logins.Load())
	}
}

func TestATokenIsReplacedBeforeItEndsAndUsedOnWhileThatFails(t *testing.T) {
	fail := false
	s := newTestSessions(t, func(context.Context, *api.Client) (*api.Secret, error) {
		if fail {
			return nil, errors.New("sealed")
		}
		return token(3600), nil
	})
	first, err := s.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if early := first.renewAt.Sub(first.began); early < 30*time.Minute || early > 40*time.Minute {
		t.Errorf("renewed after %s of an hour", early)
	}

	first.renewAt = time.Now()
	fail = true
	if again, err := s.get(t.Context()); err != nil || again != first {
		t.Errorf("a token that still lives was not used: %v", err)
	}
	first.expires = time.Now()
	if _, err := s.get(t.Context()); err == nil {
		t.Error("a token that has ended was used")
	}
	fail = false
	if next, err := s.get(t.Context()); err != nil || next == first {
		t.Errorf("no new login: %v", err)
	}
}

func TestASessionThatEndedEarlyIsReplacedOnce(t *testing.T) {
	var logins int
	s := newTestSessions(t, func(context.Context, *api.Client) (*api.Secret, error) {
		logins++
		return token(3600), nil
	})
	ended, err := s.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.replace(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
	}
	if logins != 2 {
		t.Errorf("%d logins", logins)
	}
}

func TestWaitingForSomebodyElsesLoginEndsWithTheCallersContext(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := newTestSessions(t, func(context.Context, *api.Client) (*api.Secret, error) {
		close(entered)
		<-release
		return token(3600), nil
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.get(context.Background())
	}()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
	<-done
}

func TestARefusedTokenIsReplacedUnlessItIsNew(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("X-Vault-Token"))
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	var logins int
	client, err := New(Config{Address: server.URL, Settings: layout.Default(), Login: func(context.Context, *api.Client) (*api.Secret, error) {
		logins++
		return &api.Secret{Auth: &api.SecretAuth{ClientToken: "token-" + strconv.Itoa(logins), LeaseDuration: 3600}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	look := func() {
		_, err := client.key(t.Context(), "k")
		if waiting, ok := outcome.AsWaiting(err); !ok || waiting.Reason != ReasonForbidden {
			t.Errorf("got %v", err)
		}
	}

	look()
	client.sessions.current.began = time.Now().Add(-2 * youngSession)
	look()
	if want := []string{"token-1", "token-1", "token-2"}; !slices.Equal(asked, want) {
		t.Errorf("asked with %q, want %q", asked, want)
	}
}

func newTestSessions(t *testing.T, login Login) *sessions {
	t.Helper()
	connection, err := Connect("http://127.0.0.1:1", "", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return newSessions(connection, login)
}

func token(seconds int) *api.Secret {
	return &api.Secret{Auth: &api.SecretAuth{ClientToken: "t", LeaseDuration: seconds}}
}
