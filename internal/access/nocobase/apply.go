package nocobase

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

// Actions that make what later requests refer to.
const (
	makeUsers  = "users:create"
	makeScopes = scopeResource + ":create"
)

// applier executes changes.
type applier struct {
	client *client
	// invite is Connection.Invite.
	invite func(context.Context, []string) (map[string]secret.String, error)
	// ids by what refers to them: scopeRef, accountRef.
	ids     map[any]int64
	invited []string
}

// apply executes changes in their order, and gives how many are done.
func (a *applier) apply(ctx context.Context, changes []change) (done int, err error) {
	for i := range changes {
		if err := a.execute(ctx, &changes[i]); err != nil {
			return i, err
		}
	}
	return len(changes), nil
}

func (a *applier) execute(ctx context.Context, c *change) error {
	passwords := map[string]secret.String{}
	if c.Invite != nil {
		var err error
		if passwords, err = a.invite(ctx, c.Invite); err != nil {
			return err
		}
	}
	body, err := a.resolve(c.Request.Body, passwords)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Request.Action, err)
	}
	made, err := a.send(ctx, request{Action: c.Request.Action, Parameters: c.Request.Parameters, Body: body})
	if err != nil {
		return err
	}
	for _, one := range made {
		a.ids[scopeRef(one.Name)] = one.ID
	}
	if c.Request.Action == makeUsers {
		if len(made) != len(c.Invite) {
			return fmt.Errorf("%s: NocoBase made %d accounts of %d", makeUsers, len(made), len(c.Invite))
		}
		for i, login := range c.Invite {
			a.ids[accountRef(login)] = made[i].ID
		}
	}
	a.invited = append(a.invited, c.Invite...)
	return nil
}

// record is one that was made.
type record struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// send makes a request, and gives the records that it made, of the kinds that later requests refer to.
func (a *applier) send(ctx context.Context, r request) (made []record, err error) {
	if r.Action == makeUsers || r.Action == makeScopes {
		return made, a.client.call(ctx, r, &made)
	}
	return nil, a.client.call(ctx, r, nil)
}

// resolve puts numbers and passwords in the place of what refers to them.
func (a *applier) resolve(value any, passwords map[string]secret.String) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		resolved := make(map[string]any, len(v))
		for name, part := range v {
			r, err := a.resolve(part, passwords)
			if err != nil {
				return nil, err
			}
			resolved[name] = r
		}
		return resolved, nil
	case []any:
		resolved := make([]any, 0, len(v))
		for _, part := range v {
			r, err := a.resolve(part, passwords)
			if err != nil {
				return nil, err
			}
			resolved = append(resolved, r)
		}
		return resolved, nil
	case scopeRef, accountRef:
		id, known := a.ids[v]
		if !known {
			return nil, fmt.Errorf("NocoBase has no %v", v)
		}
		return id, nil
	case passwordRef:
		return passwords[string(v)].Reveal(), nil
	case lostPassword:
		return rand.Text(), nil
	default:
		return v, nil
	}
}

// leaversAt gives those of the leavers who are out: all, as soon as the last change of the first stage is done.
func leaversAt(leaving []*userRow, changes []change, done int, now time.Time) []access.Leaver {
	if done < len(changes) && changes[done].Stage == putOut {
		return nil
	}
	var left []access.Leaver
	for _, user := range leaving {
		left = append(left, access.Leaver{Login: user.login(), At: now})
	}
	return left
}
