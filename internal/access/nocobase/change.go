package nocobase

import (
	"slices"

	"github.com/crmkeep/crmkeep/internal/access"
)

// stage orders changes: what closes comes first and what opens last, so that a failure between two of them leaves nothing open that the plan closes.
type stage int

const (
	putOut stage = iota
	deny
	makeRoles
	narrow
	grant
	makeAccounts
	register
	admit
	// lock comes when everything else holds.
	lock
)

// change is one request, and the differences that it takes away, some of them together with others.
type change struct {
	Stage       stage
	Request     request
	Differences []access.Difference
	// Invite are logins of accounts that get a first password with the change.
	Invite []string
}

// What a body refers to that is not there yet when a change is decided.
type (
	// scopeRef is the number of a scope by its name.
	scopeRef string
	// accountRef is the number of an account by its login.
	accountRef string
	// passwordRef is the first password of an account by its login.
	passwordRef string
	// lostPassword is one that nobody knows.
	lostPassword struct{}
)

// differences gives each difference once: some take two changes.
func differences(changes []change) []access.Difference {
	var list []access.Difference
	known := map[access.Difference]bool{}
	for _, c := range changes {
		for _, difference := range c.Differences {
			if !known[difference] {
				known[difference] = true
				list = append(list, difference)
			}
		}
	}
	return list
}

// applied gives the differences of which every change is done.
func applied(changes []change, done int) []access.Difference {
	open := map[access.Difference]bool{}
	for _, d := range differences(changes[done:]) {
		open[d] = true
	}
	return slices.DeleteFunc(differences(changes[:done]), func(d access.Difference) bool { return open[d] })
}
