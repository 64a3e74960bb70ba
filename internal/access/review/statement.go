package review

import (
	"cmp"
	"encoding/json"
	"slices"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
)

// Bounds of a statement, in bytes: of its text, which goes to Vault to be signed, and of what is kept in a ConfigMap, which may have 1 MiB.
const (
	maxText   = 8 << 20
	maxPacked = 700 << 10
)

// Fit leaves as many rows in a statement as it can be signed and kept with. Those with findings stay longest.
func Fit(s evidence.ReviewStatement) (evidence.ReviewStatement, error) {
	s.RowCount = len(s.Rows)
	byWorth := slices.Clone(s.Rows)
	slices.SortStableFunc(byWorth, func(a, b evidence.ReviewRow) int { return min(1, len(b.Findings)) - min(1, len(a.Findings)) })
	for {
		fits, err := fits(s)
		if fits || err != nil {
			return s, err
		}
		byWorth = byWorth[:len(byWorth)*3/4]
		s.Rows = slices.Clone(byWorth)
		slices.SortStableFunc(s.Rows, func(a, b evidence.ReviewRow) int { return cmp.Compare(a.Login, b.Login) })
	}
}

func fits(s evidence.ReviewStatement) (bool, error) {
	text, err := s.Encode()
	if err != nil || len(text) > maxText {
		return false, err
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return false, err
	}
	packed, err := evidence.Compress(quoted)
	return len(packed) <= maxPacked, err
}

// labelEvidence is the value of naming.LabelEvidence.
const labelEvidence = "review"

// Result plans the ConfigMap with the newest signed statement of an environment. It belongs to the tenant: it outlives the environment.
func Result(tenant, environment string, signed evidence.Certificate) (object.Object, error) {
	data, err := signed.BinaryData()
	if err != nil {
		return object.Object{}, err
	}
	labels := object.Labels(tenant, "")
	labels[naming.LabelEvidence] = labelEvidence
	return object.Object{Configuration: corev1ac.ConfigMap(naming.Review(environment), naming.HomeNamespace(tenant)).
		WithLabels(labels).WithBinaryData(data)}, nil
}
