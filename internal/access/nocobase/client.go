package nocobase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
)

// Errors of the way to NocoBase. Both may pass by themselves.
var (
	// ErrUnreachable says that no answer of NocoBase's came back.
	ErrUnreachable = fmt.Errorf("NocoBase: %w", access.ErrUnreachable)
	// ErrRefused says that NocoBase does not know the account or the password, or that the account has no role.
	ErrRefused = errors.New("NocoBase refuses the login")
)

// Fault is a request that NocoBase answered with an error.
type Fault struct {
	// Action that was called, such as "users:create".
	Action string
	// Status of the answer.
	Status int
	// Message of NocoBase's for people. It is empty for errors that NocoBase did not expect: their text can hold anything, such as a value.
	Message string
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Message == "" {
		return fmt.Sprintf("%s: status %d from NocoBase; its log says why", f.Action, f.Status)
	}
	return fmt.Sprintf("%s: %s", f.Action, f.Message)
}

const (
	// callTimeout bounds one request. A password takes NocoBase a tenth of a second.
	callTimeout = 2 * time.Minute
	// logoutTimeout bounds the last request, which is made also when the work was called off.
	logoutTimeout = 5 * time.Second
	// maxAnswer bounds what is read of one answer: a page of accounts takes less than one mebibyte.
	maxAnswer = 32 << 20
	// maxMessage bounds what of NocoBase's message goes into an error.
	maxMessage = 200
)

// request is one to an action of NocoBase's.
type request struct {
	// Action, such as "users:create", with whatever lies before it in the path.
	Action string
	// Parameters of the query. What is not text is written as JSON.
	Parameters map[string]any
	// Body to post. Nil: the request reads.
	Body any
}

// client speaks NocoBase's API as one account, which holds the role root: the one that may see what other roles may do.
type client struct {
	http    *http.Client
	address string
	token   string
	// account is the number of the client's own.
	account int64
	calls   int
}

// login logs in. The session is to be ended with logout.
func login(ctx context.Context, to access.Connection) (*client, error) {
	c := &client{http: to.HTTP, address: to.URL + "/api/"}
	if c.http == nil {
		c.http = http.DefaultClient
	}
	var answer struct {
		User struct {
			ID int64 `json:"id"`
		} `json:"user"`
		Token string `json:"token"`
	}
	credentials := map[string]string{"account": to.Login, "password": to.Password.Reveal()}
	if err := c.call(ctx, request{Action: "auth:signIn", Body: credentials}, &answer); err != nil {
		return c, err
	}
	if answer.Token == "" || answer.User.ID == 0 {
		return c, fmt.Errorf("%w: what answered the login is no NocoBase", ErrUnreachable)
	}
	c.token, c.account = answer.Token, answer.User.ID
	return c, nil
}

// logout ends the session, also when the work was called off. A session that cannot be ended ends by itself.
func (c *client) logout(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	_ = c.call(ctx, request{Action: "auth:signOut", Body: map[string]any{}}, nil)
}

// call makes one request. A nil result takes any answer.
func (c *client) call(ctx context.Context, r request, result any) error {
	c.calls++
	content, err := c.send(ctx, r)
	if err != nil || result == nil {
		return err
	}
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		return fmt.Errorf("%w: %s: the answer is not JSON", ErrUnreachable, r.Action)
	}
	if err := json.Unmarshal(answer.Data, result); err != nil {
		return fmt.Errorf("%s: the answer has another form than that of NocoBase 2.2", r.Action)
	}
	return nil
}

func (c *client) send(ctx context.Context, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	message, err := c.message(ctx, r)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(message)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, r.Action, reason(err))
	}
	defer response.Body.Close() //nolint:errcheck // the body is read, not written
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, r.Action, err)
	case len(content) > maxAnswer:
		return nil, fmt.Errorf("%s: the answer has more than %d bytes", r.Action, maxAnswer)
	case response.StatusCode == http.StatusOK:
		return content, nil
	}
	return nil, failure(r.Action, response.StatusCode, content)
}

func (c *client) message(ctx context.Context, r request) (*http.Request, error) {
	query := url.Values{}
	for name, value := range r.Parameters {
		text, isText := value.(string)
		if !isText {
			encoded, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			text = string(encoded)
		}
		query.Set(name, text)
	}
	method, content := http.MethodGet, []byte(nil)
	if r.Body != nil {
		encoded, err := json.Marshal(r.Body)
		if err != nil {
			return nil, err
		}
		method, content = http.MethodPost, encoded
	}
	message, err := http.NewRequestWithContext(ctx, method, c.address+r.Action+"?"+query.Encode(), bytes.NewReader(content))
	if err != nil {
		return nil, errors.New("the connection's URL is not valid")
	}
	message.Header.Set("Content-Type", "application/json")
	message.Header.Set("X-Locale", "en-US")
	if c.token != "" {
		message.Header.Set("Authorization", "Bearer "+c.token)
		message.Header.Set("X-Role", rootRole)
	}
	return message, nil
}

// reason leaves out the URL.
func reason(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// failure makes an error of an answer that is no success.
func failure(action string, status int, content []byte) error {
	var answer struct {
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	known := json.Unmarshal(content, &answer) == nil && len(answer.Errors) > 0
	switch {
	case status == http.StatusUnauthorized:
		return fmt.Errorf("%w: %s: status %d; the account needs the role %s", ErrRefused, action, status, rootRole)
	case !known || status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return fmt.Errorf("%w: %s: status %d", ErrUnreachable, action, status)
	case status >= http.StatusInternalServerError:
		return &Fault{Action: action, Status: status}
	}
	return &Fault{Action: action, Status: status, Message: short(answer.Errors[0].Message)}
}

func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return text
}
