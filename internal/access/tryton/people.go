package tryton

import (
	"cmp"
	"context"
	"slices"

	"github.com/crmkeep/crmkeep/internal/access"
)

// Accounts implements access.Adapter.
func (Adapter) Accounts(ctx context.Context, to access.Connection) ([]access.Account, error) {
	c, err := login(ctx, to)
	if err != nil {
		return nil, err
	}
	defer c.logout(ctx)
	var users []userRow
	if err := searchAll(ctx, c, userModel, true, []any{[]any{"id", "!=", rootID}}, &users, "login", "name", "active"); err != nil {
		return nil, err
	}
	accounts := make([]access.Account, 0, len(users))
	for i := range users {
		accounts = append(accounts, access.Account{Login: users[i].Login, DisplayName: users[i].Name, Active: users[i].Active})
	}
	slices.SortFunc(accounts, func(a, b access.Account) int { return cmp.Compare(a.Login, b.Login) })
	return accounts, nil
}
