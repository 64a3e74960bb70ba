package access

import "slices"

// scopes from narrow to wide.
var scopes = []Scope{ScopeNone, ScopeOwn, ScopeTeam, ScopeAll}

// accesses from wide to narrow.
var accesses = []Access{AccessFull, AccessReadOnly, AccessMasked, AccessHidden}

// Includes tells whether every record in the scope o is in s. A scope that does not exist is in none.
func (s Scope) Includes(o Scope) bool { return slices.Index(scopes, s) >= slices.Index(scopes, o) }

// Widest of two scopes.
func (s Scope) Widest(o Scope) Scope {
	if s.Includes(o) {
		return s
	}
	return o
}

// Leaves tells whether a leaves at least what o leaves.
func (a Access) Leaves(o Access) bool { return slices.Index(accesses, a) <= slices.Index(accesses, o) }

// Narrowest of two accesses.
func (a Access) Narrowest(o Access) Access {
	if a.Leaves(o) {
		return o
	}
	return a
}

// Strictest of two bounds.
func (s Session) Strictest(o Session) Session {
	return Session{IdleSeconds: strictest(s.IdleSeconds, o.IdleSeconds), MaxSeconds: strictest(s.MaxSeconds, o.MaxSeconds)}
}

func strictest(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}
