package outcome_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/outcome"
)

func TestAMeaningIsFoundHoweverAnErrorIsWrapped(t *testing.T) {
	wait := outcome.Wait("VaultSealed", time.Minute, "unseal %s", "it")
	reject := outcome.Reject("Invalid", "spec.%s: no", "size")
	for sentence, err := range map[string]error{
		"bare": wait, "wrapped": fmt.Errorf("a: %w", fmt.Errorf("b: %w", wait)), "joined": errors.Join(errors.New("other"), wait),
	} {
		t.Run(sentence, func(t *testing.T) {
			w, ok := outcome.AsWaiting(err)
			assert.True(t, ok)
			assert.Equal(t, &outcome.Waiting{Reason: "VaultSealed", Message: "unseal it", After: time.Minute}, w)
			_, ok = outcome.AsInvalid(err)
			assert.False(t, ok)
		})
	}
	i, ok := outcome.AsInvalid(fmt.Errorf("a: %w", reject))
	assert.True(t, ok)
	assert.Equal(t, "Invalid: spec.size: no", i.Error())
}

func TestEverythingElseIsTransient(t *testing.T) {
	for _, err := range []error{nil, errors.New("connection refused")} {
		_, waiting := outcome.AsWaiting(err)
		_, invalid := outcome.AsInvalid(err)
		assert.False(t, waiting || invalid)
	}
}
