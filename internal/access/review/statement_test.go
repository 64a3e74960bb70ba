package review_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/internal/access/review"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// mostOfConfigMap is what the API server takes of a ConfigMap's data, in bytes.
const mostOfConfigMap = 1 << 20

// kept signs a statement and gives what a ConfigMap holds of it, and what can be read from that.
func kept(t *testing.T, s evidence.ReviewStatement) ([]byte, evidence.ReviewStatement) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	text, err := s.Encode()
	require.NoError(t, err)
	planned, err := review.Result("acme", "prod", evidence.Certificate{Statement: text, Signature: ed25519.Sign(private, []byte(text)), PublicKey: public})
	require.NoError(t, err)
	config := planned.Configuration.(*corev1ac.ConfigMapApplyConfiguration)
	assert.Equal(t, "crm-acme", *config.Namespace)
	assert.Equal(t, naming.Review("prod"), *config.Name)
	assert.NotContains(t, config.Labels, naming.LabelEnvironment, "the environment's end does not reach it")
	packed := config.BinaryData[evidence.CompressedField]
	content, err := evidence.Unpack(packed)
	require.NoError(t, err)
	read, err := evidence.Read(content, public)
	require.NoError(t, err)
	var got evidence.ReviewStatement
	require.NoError(t, json.Unmarshal([]byte(read), &got))
	return packed, got
}

func TestTenThousandPeopleFitAConfigMap(t *testing.T) {
	var rows []evidence.ReviewRow
	for i := range 10000 {
		rows = append(rows, evidence.ReviewRow{
			Login: fmt.Sprintf("person.%05d@acme-trading.example", i), Name: fmt.Sprintf("Person %d of Department %d", i, i%37), Account: evidence.AccountActive,
			LastLogin: fmt.Sprintf("2026-11-%02dT%02d:%02d:%02dZ", 1+i%21, i%24, i%60, i*7%60),
			Roles:     []evidence.ReviewedRole{{Role: "sales.rep", ExpiresAt: "2027-01-31T00:00:00Z", Reason: fmt.Sprintf("request %d of the sales team", i)}},
		})
	}
	s, err := review.Fit(statement(rows...))
	require.NoError(t, err)
	packed, got := kept(t, s)
	assert.Less(t, len(packed), mostOfConfigMap)
	assert.Len(t, got.Rows, 10000)
	assert.Equal(t, rows[9999], got.Rows[9999])
}

func TestWhatDoesNotFitIsLeftOutAndCountedAndFindingsStayLongest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	letters := []rune("abcdefghijklmnopqrstuvwxyz一二三四五六七八九十")
	var rows []evidence.ReviewRow
	for i := range 10000 {
		r := evidence.ReviewRow{Login: fmt.Sprintf("%05d", i), Account: evidence.AccountActive}
		for range 200 {
			r.Name += string(letters[random.IntN(len(letters))])
		}
		if i%100 == 99 {
			r.Findings = []string{evidence.FindingNoBinding}
		}
		rows = append(rows, r)
	}
	s, err := review.Fit(statement(rows...))
	require.NoError(t, err)
	packed, got := kept(t, s)
	assert.Less(t, len(packed), mostOfConfigMap)
	assert.Greater(t, len(got.Rows), 1000)
	assert.Less(t, len(got.Rows), 10000)
	assert.Equal(t, 10000, got.RowCount)
	assert.True(t, slices.IsSortedFunc(got.Rows, func(a, b evidence.ReviewRow) int { return strings.Compare(a.Login, b.Login) }))
	found := 0
	for _, r := range got.Rows {
		found += len(r.Findings)
	}
	assert.Equal(t, 100, found)
}
