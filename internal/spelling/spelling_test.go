package spelling_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/spelling"
)

func TestTheNameWithTheFewestEditsIsOffered(t *testing.T) {
	known := []string{"contact", "opportunity", "address"}
	for word, want := range map[string]string{
		"contcat": "contact", "opportunities": "opportunity", "addrss": "address", "": "contact", "ADDRESS": "contact",
	} {
		assert.Equal(t, want, spelling.Nearest(word, known), word)
	}
	assert.Empty(t, spelling.Nearest("contact", nil), "where nothing is known, nothing is offered")
}

func TestAWordAsLongAsAFileTakesNoLongerThanAName(t *testing.T) {
	assert.Equal(t, "contact", spelling.Nearest(strings.Repeat("contact", 1<<20), []string{"contact", "x"}))
}
