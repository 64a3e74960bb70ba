package api

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/robfig/cron/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/schedule"
)

func TestTheAPIServerTakesACronExpressionIfAndOnlyIfItMeansSomething(t *testing.T) {
	c := newClient(t, server.Server(t).Config())
	createHome(t, c, "cron")
	const seed, expressions = 1, 3000
	g := cronGenerator{rand.New(rand.NewPCG(seed, seed))}
	var attempts errgroup.Group
	attempts.SetLimit(16)
	taken := make([]error, expressions)
	written := make([]string, expressions)
	for i := range expressions {
		written[i] = g.expression()
		attempts.Go(func() error {
			taken[i] = declareSchedule(t, c, fmt.Sprintf("s%d", i), written[i], "UTC")
			return nil
		})
	}
	require.NoError(t, attempts.Wait())
	accepted := 0
	for i, expression := range written {
		_, err := cron.ParseStandard(expression)
		if err == nil {
			accepted++
		}
		assert.Equal(t, err == nil, taken[i] == nil, "%q: cron says %v, and the API server %v", expression, err, taken[i])
	}
	assert.Greater(t, accepted, expressions/5, "there are many of both kinds")
	assert.Less(t, accepted, expressions*4/5, "there are many of both kinds")
}

func TestTheAPIServerTakesATimeZoneIfAndOnlyIfItIsOne(t *testing.T) {
	c := newClient(t, server.Server(t).Config())
	createHome(t, c, "cron")
	for i, zone := range []string{
		"UTC", "Etc/UTC", "GMT", "Etc/GMT+3", "CET", "Europe/Berlin", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "America/Port-au-Prince",
		"Pacific/Chatham", "Asia/Kathmandu", "US/Pacific",
		"Local", "Europe", "Europe/Atlantis", "Mars", "GMT+25", "UTC+1", "Berlin", "Europe/Berlin/Mitte",
	} {
		_, want := schedule.Parse("@daily", zone)
		err := declareSchedule(t, c, fmt.Sprintf("z%d", i), "@daily", zone)
		if want == nil {
			assert.NoError(t, err, zone)
			continue
		}
		require.True(t, apierrors.IsInvalid(err), "%s: %v", zone, err)
		assert.ErrorContains(t, err, "spec.timeZone")
		assert.ErrorContains(t, err, "must be a time zone of the IANA database, such as Europe/Berlin")
	}
}

// declareSchedule asks the API server whether it would take a schedule.
func declareSchedule(t *testing.T, c client.Client, name, expression, zone string) error {
	t.Helper()
	spec := map[string]any{
		"environmentRef": map[string]any{"name": "prod"}, "locations": []any{"east"}, "schedule": expression, "timeZone": zone,
	}
	return c.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "CRMBackupSchedule",
		"metadata": map[string]any{"namespace": "crm-cron", "name": name}, "spec": spec,
	}}, client.DryRunAll)
}

// cronGenerator writes expressions as people do, of which about half are wrong in one place.
type cronGenerator struct{ *rand.Rand }

var (
	cronMonths   = strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec JAN Mar DEC")
	cronWeekdays = strings.Fields("sun mon tue wed thu fri sat MON Fri SAT")
	cronFields   = []struct {
		low, high int
		names     []string
	}{{0, 59, nil}, {0, 23, nil}, {1, 31, nil}, {1, 12, cronMonths}, {0, 6, cronWeekdays}}
	cronWords = []string{"@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@sometimes", "@daily 1", "* * * *", "* * * * * *"}
)

func (g cronGenerator) expression() string {
	if g.IntN(50) == 0 {
		return cronWords[g.IntN(len(cronWords))]
	}
	fields := make([]string, len(cronFields))
	wrong := g.IntN(2 * len(fields))
	for i := range fields {
		fields[i] = g.field(i, i == wrong)
	}
	return strings.Join(fields, " ")
}

func (g cronGenerator) field(i int, wrong bool) string {
	parts := make([]string, 1+g.IntN(3)*g.IntN(2))
	at := g.IntN(len(parts))
	for n := range parts {
		parts[n] = g.part(i, wrong && n == at)
	}
	return strings.Join(parts, ",")
}

func (g cronGenerator) part(i int, wrong bool) string {
	var part string
	switch g.IntN(3) {
	case 0:
		part = []string{"*", "*", "?"}[g.IntN(3)]
	case 1:
		part = g.value(i, wrong)
	default:
		part = g.between(i, wrong)
	}
	if g.IntN(3) == 0 {
		step := 1 + g.IntN(cronFields[i].high+3)
		if wrong {
			step = g.IntN(2)
		}
		part += "/" + strconv.Itoa(step)
	}
	return part
}

// between is a range. One that is wrong may go backwards.
func (g cronGenerator) between(i int, wrong bool) string {
	f := cronFields[i]
	low := f.low + g.IntN(f.high-f.low+1)
	high := low + g.IntN(f.high-low+1)
	switch {
	case wrong && g.IntN(2) == 0:
		return g.value(i, false) + "-" + g.value(i, true)
	case wrong:
		return g.value(i, false) + "-" + g.value(i, false)
	case f.names != nil && g.IntN(2) == 0:
		return f.names[low-f.low] + "-" + f.names[high-f.low]
	}
	return g.number(low) + "-" + g.number(high)
}

// value of a field, or something that is none, though it may be one of another field.
func (g cronGenerator) value(i int, wrong bool) string {
	f := cronFields[i]
	switch {
	case wrong && g.IntN(2) == 0:
		return []string{"mon", "jan", "x", "1a", "janfeb", "999999999999999999999", "1-2-3", "L", "1/2/3", "*/", "-1"}[g.IntN(11)]
	case wrong:
		return g.number(f.high + g.IntN(3))
	case f.names != nil && g.IntN(2) == 0:
		return f.names[g.IntN(len(f.names))]
	}
	return g.number(f.low + g.IntN(f.high-f.low+1))
}

// number as people write it, some with a zero before it.
func (g cronGenerator) number(n int) string {
	if g.IntN(6) == 0 {
		return fmt.Sprintf("%02d", n)
	}
	return strconv.Itoa(n)
}
