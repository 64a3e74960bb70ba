package volumes

import (
	"testing"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
)

// TestMain leaves root's rights behind, which no restore has.
func TestMain(m *testing.M) { agenttest.Main(m) }
