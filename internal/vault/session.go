package vault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// Login gets a token from Vault. It is called once, again before the token ends, and when Vault does not know the token any more.
type Login func(ctx context.Context, client *api.Client) (*api.Secret, error)

// KubernetesLogin logs in as the operator, with the ServiceAccount token in a file. The file is read each time: kubelet renews it.
func KubernetesLogin(settings layout.Settings, tokenFile string) Login {
	return func(ctx context.Context, client *api.Client) (*api.Secret, error) {
		token, err := os.ReadFile(tokenFile) //nolint:gosec // the path is the operator's flag
		if err != nil {
			return nil, fmt.Errorf("read the ServiceAccount token: %w", err)
		}
		return client.Logical().WriteWithContext(ctx, settings.LoginPath(), map[string]any{
			"role": settings.OperatorRole(),
			"jwt":  strings.TrimSpace(string(token)),
		})
	}
}

// youngSession is the age up to which a refusal is believed without a new login, so that a lasting refusal does not double the
// requests and storm the login.
const youngSession = time.Minute

// session is one login. It does not change.
type session struct {
	client   *api.Client
	began    time.Time
	renewAt  time.Time
	expires  time.Time
	lifelong bool
}

func newSession(connection *api.Client, auth *api.SecretAuth, now time.Time) (*session, error) {
	client, err := connection.Clone()
	if err != nil {
		return nil, err
	}
	client.SetToken(auth.ClientToken)
	ttl := time.Duration(auth.LeaseDuration) * time.Second
	// Between half and two thirds of the lifetime: replicas that started together do not log in together.
	early := ttl/2 + time.Duration(rand.Float64()*float64(ttl)/6) //nolint:gosec // spreading load needs no secret randomness
	return &session{client: client, began: now, renewAt: now.Add(early), expires: now.Add(ttl), lifelong: ttl == 0}, nil
}

func (s *session) fresh(now time.Time) bool  { return s.lifelong || now.Before(s.renewAt) }
func (s *session) usable(now time.Time) bool { return s.lifelong || now.Before(s.expires) }
func (s *session) mayHaveEnded() bool        { return time.Since(s.began) > youngSession }

// sessions gives everybody the same session and logs in once for all of them.
type sessions struct {
	connection *api.Client
	login      Login
	// turn guards current. It is a channel so that waiting for somebody else's login ends with the caller's context.
	turn    chan struct{}
	current *session
}

func newSessions(connection *api.Client, login Login) *sessions {
	return &sessions{connection: connection, login: login, turn: make(chan struct{}, 1)}
}

// get gives the current session, after a login when there is none that lasts.
func (s *sessions) get(ctx context.Context) (*session, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	now := time.Now()
	if s.current != nil && s.current.fresh(now) {
		return s.current, nil
	}
	next, err := s.begin(ctx)
	if err != nil {
		if s.current != nil && s.current.usable(now) {
			return s.current, nil
		}
		return nil, err
	}
	s.current = next
	return next, nil
}

// replace logs in anew, unless somebody else has replaced ended already.
func (s *sessions) replace(ctx context.Context, ended *session) (*session, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	if s.current != ended {
		return s.current, nil
	}
	next, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	s.current = next
	return next, nil
}

func (s *sessions) begin(ctx context.Context) (*session, error) {
	secret, err := s.login(ctx, s.connection)
	if err != nil {
		return nil, err
	}
	if secret == nil || secret.Auth == nil {
		return nil, errors.New("the login gave no token")
	}
	return newSession(s.connection, secret.Auth, time.Now())
}

func (s *sessions) lock(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sessions) unlock() { <-s.turn }
