package trytonsim

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

var errRefused = errors.New("Tryton refuses the login") //nolint:staticcheck // a name

// call is one request.
type call struct {
	ID     any    `json:"id"`
	Method string `json:"method"`
	Params []any  `json:"params"`
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var c call
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&c) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.URL.Path != "/"+Database+"/" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.wait(r)
	c.Params, _ = whole(c.Params).([]any)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.calls++
	fails, done := s.faults.meets(isWrite(c.Method))
	var result any
	var err error
	if done {
		result, err = s.do(r, &c)
	}
	if fails {
		s.faults.answer(w)
		return
	}
	reply(w, c.ID, result, err)
}

func reply(w http.ResponseWriter, id, result any, err error) {
	if errors.Is(err, errRefused) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	answer := map[string]any{"id": id, "result": result}
	if err != nil {
		answer = map[string]any{"id": id, "error": []any{"UserError", []any{"trytonsim: " + err.Error(), "", nil}}}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func isWrite(method string) bool {
	for _, name := range []string{".create", ".write", ".delete", ".cancel"} {
		if strings.HasSuffix(method, name) {
			return true
		}
	}
	return false
}

// do executes a call for whoever is logged in.
func (s *Server) do(r *http.Request, c *call) (any, error) {
	if c.Method == "common.db.login" {
		return s.begin(c.Params)
	}
	key := sessionKey(r.Header.Get("Authorization"))
	account, open := s.db.sessions[key]
	if !open {
		return nil, errRefused
	}
	if c.Method == "common.db.logout" {
		delete(s.db.sessions, key)
		return nil, nil
	}
	at := max(strings.LastIndexByte(c.Method, '.'), 0)
	model, method := strings.TrimPrefix(c.Method[:at], "model."), strings.TrimPrefix(c.Method[at:], ".")
	if s.db.tables[model] == nil {
		return nil, fmt.Errorf("the model %s is not simulated", model)
	}
	if len(c.Params) < 2 {
		return nil, fmt.Errorf("%s: arguments and a context are needed", c.Method)
	}
	if isWrite(c.Method) {
		s.writes++
	}
	context, _ := c.Params[len(c.Params)-1].(map[string]any)
	return s.db.execute(account, model, method, c.Params[:len(c.Params)-1], context["active_test"] == false)
}

func (s *Server) begin(params []any) (any, error) {
	if len(params) < 2 {
		return nil, errRefused
	}
	login, _ := params[0].(string)
	given, _ := params[1].(map[string]any)
	password, _ := given["password"].(string)
	account, key, ok := s.db.login(login, password)
	if !ok {
		return nil, errRefused
	}
	return []any{account, key}, nil
}

func sessionKey(header string) string {
	content, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(header, "Session "))
	if err != nil {
		return ""
	}
	return string(content[strings.LastIndexByte(string(content), ':')+1:])
}

// execute calls a method of a model.
func (d *database) execute(caller int, model, method string, arguments []any, everybody bool) (any, error) {
	switch method {
	case "search_read":
		return d.searchRead(model, arguments, everybody)
	case "create":
		rows, err := valuesOf(arguments[0])
		if err != nil {
			return nil, err
		}
		return d.create(caller, model, rows)
	case "write":
		return nil, d.writeAll(caller, model, arguments)
	case "delete", "cancel":
		ids, _ := arguments[0].([]int)
		for _, id := range ids {
			if method == "delete" {
				d.remove(model, id)
			} else if r := d.tables[model].byID[id]; r != nil {
				r["state"] = "cancelled"
			}
		}
		return nil, nil
	}
	return nil, fmt.Errorf("the method %s of %s is not simulated", method, model)
}

// writeAll writes IDs and values, and further ones.
func (d *database) writeAll(caller int, model string, arguments []any) error {
	for len(arguments) > 1 {
		ids, _ := arguments[0].([]int)
		values, _ := arguments[1].(map[string]any)
		if err := d.write(caller, model, ids, values); err != nil {
			return err
		}
		arguments = arguments[2:]
	}
	return nil
}

// searchRead gives a page of the records of a domain: domain, offset, limit, order, fields. The order is that of the IDs.
func (d *database) searchRead(model string, arguments []any, everybody bool) (any, error) {
	if len(arguments) < 5 {
		return nil, errors.New("search_read needs domain, offset, limit, order and fields")
	}
	ids, err := d.search(model, arguments[0], everybody)
	if err != nil {
		return nil, err
	}
	offset, _ := arguments[1].(int)
	ids = ids[min(offset, len(ids)):]
	if limit, bounded := arguments[2].(int); bounded {
		ids = ids[:min(limit, len(ids))]
	}
	var fields []string
	list, _ := arguments[4].([]any)
	for _, name := range list {
		text, _ := name.(string)
		fields = append(fields, text)
	}
	return d.read(model, ids, fields, everybody), nil
}
