package vault

import "context"

// Read gives Vault's answer for a path, and nil when there is nothing. It is for the credentials of backup locations: of what is secret
// the operator's policy lets it read no more, but for what AdapterAccount reads. Whoever calls it keeps them to itself.
func (c *Client) Read(ctx context.Context, path string) (map[string]any, error) {
	secret, err := c.call(ctx, request{operation: opRead, path: path})
	if err != nil || secret == nil {
		return nil, err
	}
	return secret.Data, nil
}
