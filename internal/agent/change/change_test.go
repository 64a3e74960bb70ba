package change_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/agent/change"
)

func TestOnlyAChangeIsAChange(t *testing.T) {
	var tracker change.Tracker
	assert.False(t, tracker.To(""), "nothing is what it starts with")
	assert.True(t, tracker.To("sealed"))
	assert.False(t, tracker.To("sealed"))
	assert.True(t, tracker.To(""))
}
