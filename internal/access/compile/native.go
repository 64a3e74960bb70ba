package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// nativeRoles are the roles of the plan.
type nativeRoles struct {
	roles map[string]access.Role
	// sets remembers the roles of people, by what the policies have given them.
	sets map[string]heldRoles
}

type heldRoles struct {
	names   []string
	session access.Session
}

func newNativeRoles(declared map[string]*role) *nativeRoles {
	n := &nativeRoles{roles: make(map[string]access.Role), sets: make(map[string]heldRoles)}
	for name, r := range declared {
		n.roles[name] = access.Role{Name: name, Grants: combine(r.sources), Session: session(r.sources)}
	}
	return n
}

// forPerson gives the native roles of people who hold these declared ones. Where a product that adds up the declared ones would give more
// than the policies do, one role stands for all of them.
func (n *nativeRoles) forPerson(sourcesOf func([]string) []*source, names []string) heldRoles {
	key := strings.Join(names, "+")
	if held, ok := n.sets[key]; ok {
		return held
	}
	sources := sourcesOf(names)
	held := heldRoles{names: names, session: session(sources)}
	grants := make([][]access.Grant, len(names))
	for i, name := range names {
		grants[i] = n.roles[name].Grants
	}
	if together := combine(sources); !equal(together, Union(grants...)) {
		name := several(key)
		n.roles[name] = access.Role{Name: name, Of: names, Grants: together, Session: held.session}
		held.names = []string{name}
	}
	n.sets[key] = held
	return held
}

// longestName of a role of several. Products have limits of 100 characters and more.
const longestName = 80

// several names the role that stands for those of a key. No policy's role has a plus sign in its name.
func several(key string) string {
	if len(key) <= longestName {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "several+" + hex.EncodeToString(sum[:16])
}
