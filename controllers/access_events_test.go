package controllers

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/access"
)

func TestWhatAnEventQuotesOfACRMIsNothingToATerminal(t *testing.T) {
	note := described([]access.Difference{{Subject: "account \x1b[2J李娜\r\nx", Found: "a\u202eb", Planned: "put out"}})
	assert.Equal(t, `account \u001b[2J李娜\u000d\u000ax (found a\u202eb, planned put out)`, note)
}
