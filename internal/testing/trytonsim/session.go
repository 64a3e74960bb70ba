package trytonsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// database of a Tryton.
type database struct {
	tables    map[string]*table
	passwords map[int]password
	// sessions are the accounts that are logged in, by key.
	sessions map[string]int
	made     int
}

func newDatabase() *database {
	return &database{tables: startTables(), passwords: map[int]password{}, sessions: map[string]int{}}
}

// login begins a session, and gives the account and the session's key.
func (d *database) login(login, given string) (account int, key string, ok bool) {
	for id, r := range d.tables[userModel].byID {
		if r["login"] != login || r["active"] != true {
			continue
		}
		if fits := d.passwords[id]; fits == nil || !fits(given) {
			return 0, "", false
		}
		d.made++
		key = fmt.Sprintf("session-%d", d.made)
		d.sessions[key] = id
		return id, key, true
	}
	return 0, "", false
}

func (d *database) sessionsOf(account int) []string {
	var keys []string
	for key, of := range d.sessions {
		if of == account {
			keys = append(keys, key)
		}
	}
	return keys
}

func (d *database) endSessions(account int) {
	maps.DeleteFunc(d.sessions, func(_ string, of int) bool { return of == account })
}

// mayEndSessions says whether a rule shows the account the sessions of others.
func (d *database) mayEndSessions(account int) bool {
	for _, r := range d.tables[ruleModel].byID {
		group, _ := r["rule_group"].(int)
		of := d.tables["ir.rule.group"].byID[group]
		model, _ := of["model"].(int)
		domain, _ := r["domain"].(string)
		if d.tables["ir.model"].byID[model]["model"] == "ir.session" && json.Valid([]byte(domain)) &&
			strings.Contains(domain, fmt.Sprintf(`"s2":%d}`, account)) {
			return true
		}
	}
	return false
}
