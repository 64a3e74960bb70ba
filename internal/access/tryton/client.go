package tryton

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

// Errors of the way to Tryton. Both may pass by themselves.
var (
	// ErrUnreachable says that no answer of Tryton's came back.
	ErrUnreachable = fmt.Errorf("Tryton: %w", access.ErrUnreachable) //nolint:staticcheck // a name
	// ErrRefused says that Tryton does not know the account or the password, or has too many failed logins of it.
	ErrRefused = errors.New("Tryton refuses the login") //nolint:staticcheck // a name
)

// Fault is a call that Tryton answered with an error.
type Fault struct {
	// Method that was called.
	Method string
	// Message of Tryton's for people. It is empty for errors that Tryton did not expect: their text can hold anything, such as a statement of
	// SQL with its values.
	Message string
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Message == "" {
		return f.Method + " failed in Tryton; its log says why"
	}
	return f.Method + ": " + f.Message
}

const (
	// callTimeout bounds one call. Writing to many accounts clears Tryton's caches each time.
	callTimeout = 2 * time.Minute
	// logoutTimeout bounds the last call, which is made also when the work was called off.
	logoutTimeout = 5 * time.Second
	// maxAnswer bounds what is read of one answer: a thousand accounts take less than one mebibyte.
	maxAnswer = 32 << 20
	// maxMessage bounds what of Tryton's message goes into an error.
	maxMessage = 200
)

// client speaks Tryton's JSON-RPC as one account.
type client struct {
	http    *http.Client
	address string
	session string
	calls   int
}

// login logs in. The session is to be ended with logout.
func login(ctx context.Context, to access.Connection) (*client, error) {
	c := &client{http: to.HTTP, address: to.URL + "/" + url.PathEscape(to.Database) + "/"}
	if c.http == nil {
		c.http = http.DefaultClient
	}
	var answer []json.RawMessage
	err := c.rpc(ctx, "common.db.login", &answer, to.Login, map[string]string{"password": to.Password.Reveal(), "device_cookie": device(to.Password)})
	if err == nil && len(answer) < 2 {
		err = fmt.Errorf("%w: what answered the login is no Tryton", ErrUnreachable)
	}
	if err != nil {
		return c, err
	}
	var id int
	var key string
	if err := errors.Join(json.Unmarshal(answer[0], &id), json.Unmarshal(answer[1], &key)); err != nil {
		return c, fmt.Errorf("%w: what answered the login is no Tryton", ErrUnreachable)
	}
	c.session = base64.StdEncoding.EncodeToString([]byte(to.Login + ":" + strconv.Itoa(id) + ":" + key))
	return c, nil
}

// device is what Tryton knows crmkeep's own account by, from its migration. Without it, whoever fails to log in as that account a few times would
// keep it out: Tryton counts failed logins of an account by device.
func device(password secret.String) string {
	sum := hmac.New(sha256.New, []byte(password.Reveal()))
	sum.Write([]byte("crmkeep device"))
	return hex.EncodeToString(sum.Sum(nil))
}

// logout ends the session, also when the work was called off. A session that cannot be ended ends by itself.
func (c *client) logout(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	_ = c.rpc(ctx, "common.db.logout", nil)
}

// call calls a method of a model. The arguments are followed by a context; everybody marks whether records that are not active are seen, too.
func (c *client) call(ctx context.Context, model, method string, everybody bool, result any, arguments ...any) error {
	settings := map[string]any{"language": "en"}
	if everybody {
		settings["active_test"] = false
	}
	return c.rpc(ctx, "model."+model+"."+method, result, append(arguments, settings)...)
}

// rpc makes one request. A nil result takes any answer.
func (c *client) rpc(ctx context.Context, method string, result any, params ...any) error {
	c.calls++
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"id": c.calls, "method": method, "params": params})
	if err != nil {
		return err
	}
	content, err := c.post(ctx, method, body)
	if err != nil {
		return err
	}
	var answer struct {
		Result json.RawMessage   `json:"result"`
		Error  []json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		return fmt.Errorf("%w: %s: the answer is not JSON", ErrUnreachable, method)
	}
	if len(answer.Error) > 0 {
		return failure(method, answer.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return fmt.Errorf("%s: the answer has another form than that of Tryton 6.0", method)
	}
	return nil
}

func (c *client) post(ctx context.Context, method string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the connection's URL is not valid")
	}
	request.Header.Set("Content-Type", "application/json")
	if c.session != "" {
		request.Header.Set("Authorization", "Session "+c.session)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, method, reason(err))
	}
	defer response.Body.Close() //nolint:errcheck // the body is read, not written
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, method, err)
	case len(content) > maxAnswer:
		return nil, fmt.Errorf("%s: the answer has more than %d bytes", method, maxAnswer)
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: status %d", ErrRefused, response.StatusCode)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s: status %d", ErrUnreachable, method, response.StatusCode)
	}
	return content, nil
}

// reason leaves out the URL.
func reason(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// failure makes an error of what Tryton answered: the exception's name and arguments, or its text and where it was raised.
func failure(method string, parts []json.RawMessage) error {
	var kind string
	if json.Unmarshal(parts[0], &kind) != nil {
		return &Fault{Method: method}
	}
	// Tryton asks for a password by this exception when the login or the password is wrong.
	if kind == "LoginException" || strings.HasPrefix(kind, "401 ") || strings.HasPrefix(kind, "429 ") {
		return ErrRefused
	}
	if strings.HasPrefix(kind, "403 ") || strings.HasPrefix(kind, "404 ") {
		return &Fault{Method: method, Message: short(kind)}
	}
	if kind == "UserError" && len(parts) > 1 {
		return &Fault{Method: method, Message: messageOf(parts[1])}
	}
	return &Fault{Method: method}
}

// messageOf gives the first of an exception's arguments, which Tryton shows to people.
func messageOf(part json.RawMessage) string {
	var arguments []json.RawMessage
	var message string
	if json.Unmarshal(part, &arguments) != nil || len(arguments) == 0 || json.Unmarshal(arguments[0], &message) != nil {
		return ""
	}
	return short(message)
}

func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return text
}
