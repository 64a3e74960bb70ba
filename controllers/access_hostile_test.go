package controllers_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

// Where drift is only reported, an administrator of the CRM may have given somebody groups of the CRM's own in the place of crmkeep's.
func leaverIsOutWhateverTheCRMMadeOfThem(t *testing.T, in *installation) {
	k := in.keep(t, "friendly")
	p := rolePolicy(k.env, "sales", li, bo)
	p.Spec.Drift = string(access.DriftReport)
	in.create(t, p)
	k.roles(t, "True Succeeded")
	groups := k.Account(li).Groups
	k.Edit(t, func(e *trytonsim.Editor) {
		var held []int
		for _, name := range groups {
			held = append(held, e.ID("res.group", "name", name))
		}
		e.Write("res.user", e.ID("res.user", "login", li), map[string]any{"groups": []any{
			[]any{"remove", held}, []any{"add", []int{e.ID("res.group", "name", "Administration")}}}})
	})
	k.roles(t, "False Drifted")

	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo)} })
	k.leaver(t, li)
	assert.False(t, k.canLogIn(li), "who is said to be out is out")
}

// Each page of accounts is full, so there is always another.
func crmThatAnswersWithoutEndIsGivenUp(t *testing.T, in *installation) {
	k := in.keep(t, "verbose")
	row := fmt.Sprintf(`{"id": 7, "login": %q, "active": true}`, strings.Repeat("x", 4000))
	page := fmt.Sprintf(`{"result": [%s]}`, strings.Repeat(row+",", 999)+row)
	k.answer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case bytes.Contains(body, []byte("common.db.")):
			_, _ = io.WriteString(w, `{"result": [1, "key"]}`)
		case bytes.Contains(body, []byte("model.res.user.search_read")):
			_, _ = io.WriteString(w, page)
		default:
			_, _ = io.WriteString(w, `{"result": []}`)
		}
	}))
	k.policy(t, "sales", li)
	a := k.roles(t, "False CRMUnreachable")
	assert.Contains(t, a.Failure.Message, "more than crmkeep has room for")

	k.answer(t, k.Handler)
	k.roles(t, "True Succeeded")
}
