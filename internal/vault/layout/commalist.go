package layout

import (
	"encoding/json"
	"strings"
)

// CommaList is a list that Vault takes as "a,b" and answers as ["a", "b"]. It is written as a string because the operator's
// policy restricts the values of some parameters, and Vaults before 1.19 compare only strings.
type CommaList string

// UnmarshalJSON takes both forms.
func (c *CommaList) UnmarshalJSON(data []byte) error {
	var items []string
	if err := json.Unmarshal(data, &items); err == nil {
		*c = CommaList(strings.Join(items, ","))
		return nil
	}
	return json.Unmarshal(data, (*string)(c))
}
