package status_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

func TestALocationThatStaysAsItIsIsWrittenEveryTenMinutesAtMost(t *testing.T) {
	start := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	missing := outcome.Wait(v1alpha1.ReasonBucketMissing, 0, "no bucket")
	l := &v1alpha1.CRMBackupLocation{}
	l.Generation = 1
	for _, look := range []struct {
		sentence string
		after    time.Duration
		looked   error
		written  bool
		checked  time.Duration
	}{
		{"the first look", 0, nil, true, 0},
		{"the same soon after, as when the operator restarts", 5 * time.Minute, nil, false, 0},
		{"the same later", 10 * time.Minute, nil, true, 10 * time.Minute},
		{"something goes wrong", 11 * time.Minute, missing, true, 10 * time.Minute},
		{"and is still wrong", 60 * time.Minute, missing, false, 10 * time.Minute},
		{"in another way", 61 * time.Minute, errors.New("unknown"), true, 10 * time.Minute},
		{"it is good again", 62 * time.Minute, nil, true, 62 * time.Minute},
		{"and stays so", 63 * time.Minute, nil, false, 62 * time.Minute},
		{"the clock is set back", -time.Hour, nil, true, -time.Hour},
	} {
		next := status.Location(l, look.looked, metav1.NewTime(start.Add(look.after)))
		require.NoError(t, statuscheck.Check(l.Generation, next.ObservedGeneration, next.Conditions), look.sentence)
		assert.Equal(t, look.written, !assert.ObjectsAreEqual(l.Status, next), look.sentence)
		assert.Equal(t, start.Add(look.checked), next.LastChecked.Time, look.sentence)
		l.Status = next
	}
}
