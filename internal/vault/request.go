package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"
)

// operation names what a request does as Vault's policies call it.
type operation string

const (
	opRead   operation = "read"
	opList   operation = "list"
	opWrite  operation = "create and update"
	opDelete operation = "delete"
)

// request is one call of Vault's API.
type request struct {
	operation operation
	path      string
	body      any
}

func (r request) send(ctx context.Context, client *api.Client) (*api.Secret, error) {
	logical := client.Logical()
	switch r.operation {
	case opRead:
		return logical.ReadWithContext(ctx, r.path)
	case opList:
		return logical.ListWithContext(ctx, r.path)
	case opDelete:
		return logical.DeleteWithContext(ctx, r.path)
	default:
		body, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		return logical.WriteBytesWithContext(ctx, r.path, body)
	}
}

// decode reads a secret's data into the type that mirrors it.
func decode[T any](secret *api.Secret) (T, error) {
	var value T
	raw, err := json.Marshal(secret.Data)
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		// The decoder's error could quote the value.
		return value, errors.New("vault: the answer has an unexpected form")
	}
	return value, nil
}

// read gets and decodes what is at path; nil when there is nothing.
func read[T any](ctx context.Context, c *Client, path string) (*T, error) {
	secret, err := c.call(ctx, request{operation: opRead, path: path})
	if err != nil || secret == nil {
		return nil, err
	}
	value, err := decode[T](secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &value, nil
}

// write sends a body and decodes the answer.
func write[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	secret, err := c.call(ctx, request{operation: opWrite, path: path, body: body})
	if err != nil || secret == nil {
		var none T
		return none, err
	}
	return decode[T](secret)
}
