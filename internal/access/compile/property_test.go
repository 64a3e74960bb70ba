package compile_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
)

// rounds of random policies that each property is held against.
const rounds = 400

// world makes random policies. The seed is the round, so a failure can be repeated.
type world struct{ *rand.Rand }

func newWorld(round int) world { return world{rand.New(rand.NewPCG(uint64(round), 42))} }

func some[T any](w world, all []T) []T {
	picked := slices.DeleteFunc(slices.Clone(all), func(T) bool { return w.IntN(2) == 0 })
	if len(picked) == 0 {
		picked = []T{all[w.IntN(len(all))]}
	}
	return picked
}

func one[T any](w world, all ...T) T { return all[w.IntN(len(all))] }

var (
	objects = []string{"contact", "opportunity", "product"}
	people  = []string{"ada", "ben", "cem", "dee", "boss", "crmkeep"}
)

func (w world) rule() v1alpha1.RoleRule {
	r := v1alpha1.RoleRule{Objects: some(w, objects), Verbs: some(w, access.Verbs), Scope: one(w, "", "Own", "Team", "All")}
	for range w.IntN(3) {
		f := v1alpha1.FieldRule{Access: one(w, "Hidden", "ReadOnly", "Masked")}
		if w.IntN(2) == 0 {
			f.Name = one(w, "name", "phone", "passport", "amount", "cost", "language")
		} else {
			f.Sensitivity = one(w, v1alpha1.Sensitivity("Personal"), "Sensitive", "Internal")
		}
		r.Fields = append(r.Fields, f)
	}
	return r
}

func (w world) policy(name string) *v1alpha1.CRMRolePolicy {
	p := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	p.Spec.Environments = []string{"prod"}
	for i := range 1 + w.IntN(4) {
		r := v1alpha1.Role{Name: fmt.Sprintf("role%d", i)}
		for range w.IntN(3) {
			r.Rules = append(r.Rules, w.rule())
		}
		for j := range i {
			if w.IntN(3) == 0 {
				r.Inherits = append(r.Inherits, fmt.Sprintf("role%d", j))
			}
		}
		if w.IntN(2) == 0 {
			r.Export = &v1alpha1.ExportRule{Mode: one(w, "Deny", "Allow", "Limited")}
			if r.Export.Mode == "Limited" {
				rows := int32(1 + w.IntN(3))
				r.Export.MaxRows = &rows
			}
		}
		p.Spec.Roles = append(p.Spec.Roles, r)
	}
	for range w.IntN(5) {
		b := v1alpha1.RoleBinding{Role: one(w, p.Spec.Roles...).Name}
		for _, login := range some(w, people) {
			b.Subjects = append(b.Subjects, v1alpha1.Subject{Kind: "User", Name: login})
		}
		if hours := w.IntN(4) - 1; hours <= 1 {
			b.ExpiresAt = &metav1.Time{Time: now.Add(time.Duration(hours) * time.Hour)}
		}
		p.Spec.Bindings = append(p.Spec.Bindings, b)
	}
	return p
}

func (w world) policies() []*v1alpha1.CRMRolePolicy {
	var all []*v1alpha1.CRMRolePolicy
	for i := range 1 + w.IntN(3) {
		all = append(all, w.policy(fmt.Sprintf("policy%d", i)))
	}
	return all
}

func (w world) shuffle(policies []*v1alpha1.CRMRolePolicy) []*v1alpha1.CRMRolePolicy {
	shuffled := make([]*v1alpha1.CRMRolePolicy, len(policies))
	for i, at := range w.Perm(len(policies)) {
		p := policies[at].DeepCopy()
		mix(w, p.Spec.Roles)
		mix(w, p.Spec.Bindings)
		for i := range p.Spec.Bindings {
			mix(w, p.Spec.Bindings[i].Subjects)
		}
		for i := range p.Spec.Roles {
			mix(w, p.Spec.Roles[i].Inherits)
			mix(w, p.Spec.Roles[i].Rules)
			for j := range p.Spec.Roles[i].Rules {
				mix(w, p.Spec.Roles[i].Rules[j].Objects)
				mix(w, p.Spec.Roles[i].Rules[j].Verbs)
				mix(w, p.Spec.Roles[i].Rules[j].Fields)
			}
		}
		shuffled[i] = p
	}
	return shuffled
}

func mix[T any](w world, all []T) {
	w.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
}

func clone(policies []*v1alpha1.CRMRolePolicy) []*v1alpha1.CRMRolePolicy {
	all := make([]*v1alpha1.CRMRolePolicy, len(policies))
	for i, p := range policies {
		all[i] = p.DeepCopy()
	}
	return all
}

func eachRound(t *testing.T, property func(t *testing.T, w world, policies []*v1alpha1.CRMRolePolicy)) {
	t.Helper()
	for round := range rounds {
		w := newWorld(round)
		property(t, w, w.policies())
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

func bytesOf(t *testing.T, in compile.Input) string {
	t.Helper()
	p := compile.Compile(in)
	content, err := json.Marshal([]any{p.Plan(), p.Conflicts(), p.NotEnforced(), p.NextChange()})
	require.NoError(t, err)
	return string(content)
}

func TestNeitherTheOrderOfPoliciesNorOfListsChangesAByte(t *testing.T) {
	eachRound(t, func(t *testing.T, w world, policies []*v1alpha1.CRMRolePolicy) {
		assert.Equal(t, bytesOf(t, input(t, policies...)), bytesOf(t, input(t, w.shuffle(policies)...)))
	})
}

func TestAnAddedRuleWidensNobodyWhoDoesNotHaveTheRole(t *testing.T) {
	eachRound(t, func(t *testing.T, w world, policies []*v1alpha1.CRMRolePolicy) {
		before := compile.Compile(input(t, policies...)).Plan()
		more := clone(policies)
		policy := one(w, more...)
		role := &policy.Spec.Roles[w.IntN(len(policy.Spec.Roles))]
		role.Rules = append(role.Rules, w.rule())
		after := compile.Compile(input(t, more...)).Plan()
		for _, login := range people {
			if !holds(policy, role.Name, login) {
				assert.Equal(t, granted(&before, login), granted(&after, login), "%s does not have %s of %s", login, role.Name, policy.Name)
			}
		}
	})
}

// holds tells whether a binding gives the role, or one that inherits it.
func holds(policy *v1alpha1.CRMRolePolicy, role, login string) bool {
	return slices.ContainsFunc(policy.Spec.Bindings, func(b v1alpha1.RoleBinding) bool {
		return access.Holds(&b, now) && slices.Contains(b.Subjects, v1alpha1.Subject{Kind: "User", Name: login}) &&
			slices.Contains(access.Roles(policy).WithInherited(b.Role), role)
	})
}

func TestARemovedBindingLeavesNoAccess(t *testing.T) {
	eachRound(t, func(t *testing.T, w world, policies []*v1alpha1.CRMRolePolicy) {
		before := compile.Compile(input(t, policies...)).Plan()
		fewer := clone(policies)
		policy := one(w, fewer...)
		if len(policy.Spec.Bindings) == 0 {
			return
		}
		at := w.IntN(len(policy.Spec.Bindings))
		policy.Spec.Bindings = slices.Delete(policy.Spec.Bindings, at, at+1)
		after := compile.Compile(input(t, fewer...)).Plan()
		for _, login := range people {
			for model, g := range granted(&after, login) {
				was := granted(&before, login)[model]
				for _, verb := range access.Verbs[:4] {
					assert.True(t, was.Scope(verb).Includes(*g.Scope(verb)), "%s may %s %s more than before", login, verb, model)
				}
			}
			if !slices.ContainsFunc(fewer, func(p *v1alpha1.CRMRolePolicy) bool { return holdsAny(p, login) }) {
				assert.False(t, slices.ContainsFunc(after.People, func(p access.Person) bool { return p.Login == login }), "%s is in no binding", login)
			}
		}
	})
}

func holdsAny(policy *v1alpha1.CRMRolePolicy, login string) bool {
	return slices.ContainsFunc(policy.Spec.Roles, func(r v1alpha1.Role) bool { return holds(policy, r.Name, login) })
}

// What a product gives that adds rights up is compared with the rule of combination, told here in another way: rule by rule.
func TestWhatTheNativeRolesAddUpToIsWhatThePoliciesSay(t *testing.T) {
	class := demoClass(t)
	eachRound(t, func(t *testing.T, _ world, policies []*v1alpha1.CRMRolePolicy) {
		plan := compile.Compile(input(t, policies...)).Plan()
		for _, login := range people {
			got := granted(&plan, login)
			if login == "boss" || login == access.OperatorLogin {
				assert.Empty(t, got, "%s is no policy's", login)
				continue
			}
			for i := range class.Spec.Objects {
				o := &class.Spec.Objects[i]
				said := sayings(policies, login, o.Name)
				for _, model := range o.Native {
					g := got[model]
					for _, verb := range access.Verbs {
						if verb != access.VerbExport {
							assert.Equal(t, said.scope(verb, o), *g.Scope(verb), "%s: %s %s", login, verb, model)
						}
					}
					if deniesExport(policies, login) {
						assert.Empty(t, g.Export, "%s: export of %s", login, model)
					}
					for _, field := range fieldsOf(&plan, model) {
						if g.Model != "" {
							assert.Equal(t, said.access(o, field), accessTo(&g, field), "%s: field %s of %s", login, field, model)
						}
					}
				}
			}
		}
	})
}

// rules that speak of an object to a person.
type rules []v1alpha1.RoleRule

func sayings(policies []*v1alpha1.CRMRolePolicy, login, object string) rules {
	var said rules
	for _, p := range policies {
		for _, r := range p.Spec.Roles {
			if !holds(p, r.Name, login) {
				continue
			}
			for _, rule := range r.Rules {
				if slices.Contains(rule.Objects, object) {
					said = append(said, rule)
				}
			}
		}
	}
	return said
}

func (all rules) scope(verb v1alpha1.Verb, o *v1alpha1.ClassObject) access.Scope {
	widest := access.ScopeNone
	for _, r := range all {
		scope := access.Scope(r.Scope)
		if scope == "" {
			scope = access.ScopeOwn
		}
		if scope == access.ScopeTeam && o.TeamField == "" {
			scope = access.ScopeOwn
		}
		if scope == access.ScopeOwn && o.OwnerField == "" {
			scope = access.ScopeNone
		}
		if slices.Contains(r.Verbs, verb) {
			widest = widest.Widest(scope)
		}
	}
	return widest
}

func (all rules) access(o *v1alpha1.ClassObject, native string) access.Access {
	narrowest := access.AccessFull
	for _, r := range all {
		for _, f := range r.Fields {
			for _, field := range o.Fields {
				named := field.Native == native || field.Native == o.Native[0]+"."+native || field.Native == o.Native[0]+".lang."+native
				if named && (f.Name == field.Name || f.Sensitivity == field.Sensitivity) {
					narrowest = narrowest.Narrowest(access.Access(f.Access))
				}
			}
		}
	}
	return narrowest
}

// deniesExport tells whether a role of the person denies exports, or none allows them.
func deniesExport(policies []*v1alpha1.CRMRolePolicy, login string) bool {
	allowed := false
	for _, p := range policies {
		for _, r := range p.Spec.Roles {
			if r.Export == nil || !holds(p, r.Name, login) {
				continue
			}
			if r.Export.Mode == "Deny" {
				return true
			}
			allowed = true
		}
	}
	return !allowed
}

func fieldsOf(plan *access.Plan, model string) []string {
	i := slices.IndexFunc(plan.Models, func(m access.Model) bool { return m.Name == model })
	return plan.Models[i].Fields
}

func accessTo(g *access.Grant, field string) access.Access {
	i := slices.IndexFunc(g.Fields, func(f access.FieldAccess) bool { return f.Field == field })
	if i < 0 {
		return access.AccessFull
	}
	return g.Fields[i].Access
}
