package validate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

var today = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func catalogueClass() *v1alpha1.CRMClass {
	return build.Class(func(c *v1alpha1.CRMClass) {
		c.Spec.Admin = &v1alpha1.ClassAdmin{Login: "boss"}
		c.Spec.Objects = []v1alpha1.ClassObject{
			{Name: "contact", Native: []string{"party"}, Fields: []v1alpha1.ClassField{{Name: "phone", Native: "phone", Sensitivity: "Sensitive"}}},
			{Name: "opportunity", Native: []string{"deal"}},
		}
	})
}

// policy has the roles clerk, payer and chief, who is both, and keeps clerk and payer apart.
func policy(name string, change ...func(*v1alpha1.CRMRolePolicySpec)) *v1alpha1.CRMRolePolicy {
	p := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	p.Spec = v1alpha1.CRMRolePolicySpec{
		Environments: []string{"prod"},
		Roles: []v1alpha1.Role{
			{Name: "clerk", Rules: []v1alpha1.RoleRule{{
				Objects: []string{"contact", "opportunity"}, Verbs: []v1alpha1.Verb{"read"}, Scope: "All",
				Fields: []v1alpha1.FieldRule{{Name: "phone", Access: "Hidden"}, {Sensitivity: "Personal", Access: "Masked"}},
			}}},
			{Name: "payer"},
			{Name: "chief", Inherits: []string{"clerk", "payer"}},
		},
		Bindings:   []v1alpha1.RoleBinding{bind("clerk", "li.na@acme.example"), bind("payer", "wei@acme.example")},
		Separation: []v1alpha1.SeparationOfDuties{{Name: "four-eyes", Roles: []string{"clerk", "payer"}}},
	}
	for _, c := range change {
		c(&p.Spec)
	}
	return p
}

func bind(role string, logins ...string) v1alpha1.RoleBinding {
	b := v1alpha1.RoleBinding{Role: role}
	for _, login := range logins {
		b.Subjects = append(b.Subjects, v1alpha1.Subject{Kind: "User", Name: login})
	}
	return b
}

func expired(b v1alpha1.RoleBinding) v1alpha1.RoleBinding {
	b.ExpiresAt = &metav1.Time{Time: today}
	return b
}

func checkPolicies(p *v1alpha1.CRMRolePolicy, others ...*v1alpha1.CRMRolePolicy) error {
	in := compile.Input{Environment: "prod", Class: catalogueClass(), Policies: append(others, p), Now: today}
	return validate.RolePolicy(p, &in)
}

func requireRefused(t *testing.T, err error, want ...string) {
	t.Helper()
	refused, ok := outcome.AsInvalid(err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, v1alpha1.ReasonInvalid, refused.Reason)
	for _, part := range want {
		assert.Contains(t, refused.Message, part)
	}
}

func TestARolePolicyIsRefusedWithFieldProblemAndRemedy(t *testing.T) {
	type spec = v1alpha1.CRMRolePolicySpec
	rule := func(s *spec) *v1alpha1.RoleRule { return &s.Roles[0].Rules[0] }
	cases := map[string]struct {
		spoil func(*spec)
		want  []string
	}{
		"an object that the class does not have": {
			func(s *spec) { rule(s).Objects = []string{"contcat"} },
			[]string{`spec.roles[0].rules[0].objects: "contcat" is not in the catalogue of class "demo"; did you mean "contact"?`},
		},
		"a field that none of the objects has": {
			func(s *spec) { rule(s).Fields[0].Name = "fone" },
			[]string{`spec.roles[0].rules[0].fields[0].name: "fone" is no field of "contact", "opportunity"`, `did you mean "phone"?`},
		},
		"a field by neither name nor sensitivity": {
			func(s *spec) { rule(s).Fields[0].Name = "" },
			[]string{"spec.roles[0].rules[0].fields[0]: must have exactly one of name and sensitivity"},
		},
		"words that mean nothing": {
			func(s *spec) {
				rule(s).Verbs, rule(s).Scope = []v1alpha1.Verb{"own"}, "Everything"
				rule(s).Fields = []v1alpha1.FieldRule{{Sensitivity: "Secret", Access: "Visible"}}
			},
			[]string{`"own" is no verb; use one of read, create`, `"Everything" is no scope; use Own, Team or All`, `"Visible" is no access`, `"Secret" is no sensitivity`},
		},
		"a limit of exports without a number": {
			func(s *spec) { s.Roles[1].Export = &v1alpha1.ExportRule{Mode: "Limited"} },
			[]string{"spec.roles[1].export.maxRows: needed with mode Limited"},
		},
		"roles that are not declared": {
			func(s *spec) {
				s.Roles[2].Inherits = []string{"clerks"}
				s.Bindings[0].Role = "chef"
				s.Separation[0].Roles[1] = "player"
			},
			[]string{
				`spec.roles[2].inherits: "clerks" is not one of spec.roles; did you mean "clerk"?`,
				`spec.bindings[0].role: "chef" is not one of spec.roles; did you mean "chief"?`, `spec.separation[0].roles: "player" is not one of`,
			},
		},
		"roles that inherit one another in a circle": {
			func(s *spec) { s.Roles[0].Inherits = []string{"chief"} },
			[]string{"spec.roles: chief, clerk inherit themselves in a circle; remove one"},
		},
		"a role that is declared twice": {
			func(s *spec) { s.Roles[1].Name = "clerk" },
			[]string{`spec.roles[1].name: "clerk" is declared twice`},
		},
		"a role's name that could pass for another policy's role": {
			func(s *spec) { s.Roles[1].Name = "sales.payer+clerk" },
			[]string{`spec.roles[1].name: "sales.payer+clerk" must be lower-case letters`},
		},
		"a group": {
			func(s *spec) { s.Bindings[0].Subjects[0].Kind = "Group" },
			[]string{`spec.bindings[0].subjects[0]: "li.na@acme.example" has kind "Group"`, "name the people"},
		},
		"the CRM's administrator": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "wei", "BOSS")} },
			[]string{"spec.bindings[0].subjects[1]", `"BOSS" is, or looks like, an account of the CRM's administrator`},
		},
		"a name that looks like crmkeep's own": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "сrmкеер")} },
			[]string{`"сrmкеер" mixes letters of scripts`},
		},
		"a name that reads as the product's own account": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "r00t")} },
			[]string{`"r00t" is, or looks like`},
		},
		"characters that cannot be seen": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "li\u200bna", "a\nb", "\u202eanil")} },
			[]string{`subjects[0]: "li\u200bna" has characters that cannot be seen`, `subjects[1]: "a\nb"`, `subjects[2]: "\u202eanil"`},
		},
		"a name that is not text": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "a\xff")} },
			[]string{`"a\xff" has characters that cannot be seen`},
		},
		"spaces around a name": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "wei ", "")} },
			[]string{`"wei " is empty, or begins or ends with a space`, `subjects[1]: ""`},
		},
		"a name as long as a file": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("clerk", strings.Repeat("x", 1<<20))} },
			[]string{`xxx…" is longer than 200 characters`},
		},
		"accounts that differ in case": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "Li.Na"), bind("clerk", "li.na")} },
			[]string{`spec.bindings: "Li.Na" and "li.na" differ in nothing but case`},
		},
		"somebody who holds what is kept apart": {
			func(s *spec) { s.Bindings = append(s.Bindings, bind("payer", "li.na@acme.example")) },
			[]string{`spec.separation[0] "four-eyes" keeps "clerk", "payer" apart`, `"li.na@acme.example" holds clerk (sales) and payer (sales)`},
		},
		"somebody whose role inherits what is kept apart": {
			func(s *spec) { s.Bindings = []v1alpha1.RoleBinding{bind("chief", "wei")} },
			[]string{`"wei" holds clerk (sales) and payer (sales)`},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			requireRefused(t, checkPolicies(policy("sales", c.spoil)), c.want...)
		})
	}
}

func TestARolePolicyThatSaysNothingWrongIsAccepted(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.CRMRolePolicySpec){
		"as it is": func(*v1alpha1.CRMRolePolicySpec) {},
		"names of people as they are": func(s *v1alpha1.CRMRolePolicySpec) {
			s.Bindings = []v1alpha1.RoleBinding{bind("clerk", `O'Brien "Bob"; DROP TABLE`, "王小明", "田中 taro", "Иван Петров", "Çağla Öz", "${admin.password}", strings.Repeat("长", 200))}
		},
		"one account by one name in several bindings": func(s *v1alpha1.CRMRolePolicySpec) {
			s.Bindings = append(s.Bindings, bind("clerk", "li.na@acme.example"))
		},
		"a binding that has expired and would have broken the separation": func(s *v1alpha1.CRMRolePolicySpec) {
			s.Bindings = append(s.Bindings, expired(bind("payer", "li.na@acme.example")))
		},
		"a role that inherits what is kept apart, as long as nobody holds it": func(s *v1alpha1.CRMRolePolicySpec) {
			s.Bindings = append(s.Bindings, expired(bind("chief", "wei")))
		},
	} {
		assert.NoError(t, checkPolicies(policy("sales", change)), name)
	}
}

func TestLookAlikesAreFoundWhateverLettersTheyAreWrittenWith(t *testing.T) {
	for _, pair := range [][2]string{
		{"paxoc", "рахос"}, {"nikoc", "NIKOC"}, // the former in Cyrillic
		{"paypal", "paypaI"}, {"alice", "aIice"}, {"modern", "modem"}, {"wang0", "wangO"}, {"user1", "userl"},
		{"ｌｉ．ｎａ", "li.na"}, {"straße", "STRASSE"}, {"ﬁna", "FINA"}, {"café", "cafe\u0301"},
	} {
		err := checkPolicies(policy("sales", func(s *v1alpha1.CRMRolePolicySpec) {
			s.Bindings = []v1alpha1.RoleBinding{bind("clerk", pair[0]), bind("clerk", pair[1])}
		}))
		assert.ErrorContains(t, err, "look alike", "%q and %q", pair[0], pair[1])
	}
	for _, pair := range [][2]string{{"anna", "hanna"}, {"müller", "muller"}, {"王小明", "王小朋"}, {"li", "il"}, {"ivan", "lvan2"}} {
		assert.NoError(t, checkPolicies(policy("sales", func(s *v1alpha1.CRMRolePolicySpec) {
			s.Bindings = []v1alpha1.RoleBinding{bind("clerk", pair[0]), bind("clerk", pair[1])}
		})), "%q and %q", pair[0], pair[1])
	}
}

func TestWhatPoliciesDoTogetherIsRefusedInEachThatHasAPartInIt(t *testing.T) {
	sales := policy("sales")
	second := policy("second", func(s *v1alpha1.CRMRolePolicySpec) {
		s.Separation = nil
		s.Bindings = []v1alpha1.RoleBinding{bind("payer", "li.na@acme.example")}
	})
	requireRefused(t, checkPolicies(sales, second), `spec.separation[0] "four-eyes" keeps`, `"li.na@acme.example" holds clerk (sales) and payer (second)`)
	requireRefused(t, checkPolicies(second, sales), `spec.separation[0] "four-eyes" of policy sales keeps`)

	bystander := policy("third", func(s *v1alpha1.CRMRolePolicySpec) {
		s.Separation = nil
		s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "somebody.else")}
	})
	assert.NoError(t, checkPolicies(bystander, sales, second), "others' quarrels are not its own")

	second.Spec.Environments = []string{"test"}
	assert.NoError(t, checkPolicies(sales, second), "another environment's policy has no part in it")

	upper := policy("upper", func(s *v1alpha1.CRMRolePolicySpec) {
		s.Separation = nil
		s.Bindings = []v1alpha1.RoleBinding{bind("clerk", "LI.NA@acme.example")}
	})
	requireRefused(t, checkPolicies(upper, sales), `"LI.NA@acme.example" and "li.na@acme.example" of policy sales differ in nothing but case`)
	requireRefused(t, checkPolicies(sales, upper), `"li.na@acme.example" and "LI.NA@acme.example" of policy upper`)
}

func TestAPolicyThatWouldCostTooMuchIsRefusedBeforeItDoes(t *testing.T) {
	huge := policy("huge", func(s *v1alpha1.CRMRolePolicySpec) {
		s.Separation, s.Bindings, s.Roles = nil, nil, nil
		for i := range 50 {
			r := v1alpha1.Role{Name: fmt.Sprintf("r%d", i)}
			for j := max(0, i-8); j < i; j++ {
				r.Inherits = append(r.Inherits, fmt.Sprintf("r%d", j))
			}
			for range 64 {
				r.Rules = append(r.Rules, v1alpha1.RoleRule{Objects: []string{"contact", "opportunity"}, Verbs: []v1alpha1.Verb{"read", "update"}})
			}
			s.Roles = append(s.Roles, r)
		}
	})
	requireRefused(t, checkPolicies(huge), "spec.roles: together they come to", "merge rules")

	crowd := policy("crowd", func(s *v1alpha1.CRMRolePolicySpec) {
		s.Bindings = nil
		for i := range 21 {
			b := bind("clerk")
			for j := range 500 {
				b.Subjects = append(b.Subjects, v1alpha1.Subject{Kind: "User", Name: fmt.Sprintf("user-%d-%d", i, j)})
			}
			s.Bindings = append(s.Bindings, b)
		}
	})
	requireRefused(t, checkPolicies(crowd), "spec.bindings: with the other policies they name 10500 people", "spread them")

	mixed := policy("mixed", func(s *v1alpha1.CRMRolePolicySpec) {
		s.Separation, s.Bindings, s.Roles = nil, nil, nil
		for i := range 11 {
			s.Roles = append(s.Roles, v1alpha1.Role{Name: fmt.Sprintf("r%d", i)})
			b := bind(fmt.Sprintf("r%d", i), "everybody")
			for n := range 1 << 11 {
				if n&(1<<i) != 0 {
					b.Subjects = append(b.Subjects, v1alpha1.Subject{Kind: "User", Name: fmt.Sprintf("u%d", n)})
				}
			}
			s.Bindings = append(s.Bindings, b)
		}
	})
	requireRefused(t, checkPolicies(mixed), "combinations of roles, and may hold 1000")
}

func TestManyProblemsAreToldShortly(t *testing.T) {
	err := checkPolicies(policy("sales", func(s *v1alpha1.CRMRolePolicySpec) {
		for range 60 {
			s.Bindings = append(s.Bindings, bind("nobody"))
		}
	}))
	requireRefused(t, err, "and 50 more problems")
	assert.Less(t, len(err.Error()), 2000)
}
