package api

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// refusals are how the API server says which rule a value breaks, by the schema's keyword.
var refusals = map[string]struct {
	as   field.ErrorType
	text string
}{
	"type":      {field.ErrorTypeTypeInvalid, "must be of type"},
	"enum":      {field.ErrorTypeNotSupported, "supported values"},
	"format":    {field.ErrorTypeTypeInvalid, "must be of type date-time"},
	"pattern":   {field.ErrorTypeInvalid, "should match"},
	"minLength": {field.ErrorTypeInvalid, "should be at least"},
	"maxLength": {field.ErrorTypeTooLong, "may not be more than"},
	"minimum":   {field.ErrorTypeInvalid, "should be greater than or equal to"},
	"maximum":   {field.ErrorTypeInvalid, "should be less than or equal to"},
	"minItems":  {field.ErrorTypeInvalid, "should have at least"},
	"maxItems":  {field.ErrorTypeTooMany, "must have at most"},
	"required":  {field.ErrorTypeRequired, ""},
	listType:    {field.ErrorTypeDuplicate, ""},
}

// isBrokenIn tells whether an answer of the API server's speaks of the rule.
func (r rule) isBrokenIn(cause metav1.StatusCause) bool {
	if strings.TrimPrefix(index.ReplaceAllString(cause.Field, "[]"), "<nil>") != r.path {
		return false
	}
	if r.keyword == expressions {
		return strings.HasSuffix(cause.Message, r.message)
	}
	refusal := refusals[r.keyword]
	return cause.Type == metav1.CauseType(refusal.as) && strings.Contains(cause.Message, refusal.text)
}

var index = regexp.MustCompile(`\[\d+\]`)

func causesOf(t *testing.T, err error) []metav1.StatusCause {
	t.Helper()
	var status apierrors.APIStatus
	require.ErrorAs(t, err, &status)
	require.True(t, apierrors.IsInvalid(err), "the API server must refuse it as invalid, got: %v", err)
	return status.Status().Details.Causes
}

// breaking gives an accepted sample with the one change at the place that breaks a rule.
func (p place) breaking(r rule, accepted map[string]any) map[string]any {
	sample := runtime.DeepCopyJSON(accepted)
	if r.keyword == "required" {
		object := maps.Clone(p.value.(map[string]any))
		delete(object, r.path[strings.LastIndex(r.path, ".")+1:])
		return replaced(sample, p.at, object).(map[string]any)
	}
	return replaced(sample, p.at, broken(p.schema, r.keyword, p.value)).(map[string]any)
}

// broken gives what a value has to become to break the rule of a keyword.
func broken(s jsonSchema, keyword string, value any) any {
	limit, _ := s[keyword].(float64)
	text := []rune(fmt.Sprint(value))
	items, _ := value.([]any)
	switch keyword {
	case "type":
		if s["type"] == "string" {
			return 7.0
		}
		return "seven"
	case "enum":
		return "Other"
	case "format":
		return "yesterday"
	case "pattern":
		return " " + string(text[1:]) // As long as it was. No pattern lets a value start with a space.
	case "minLength":
		return string(text[:int(limit)-1])
	case "maxLength":
		return string(text) + strings.Repeat("x", int(limit))
	case "minimum":
		return limit - 1
	case "maximum":
		return limit + 1
	case "minItems":
		return items[:int(limit)-1]
	case "maxItems":
		return append(slices.Clone(items), slices.Repeat(items[:1], int(limit))...)
	case listType:
		return append(slices.Clone(items), items[0])
	}
	panic("nothing breaks a rule of " + keyword)
}

// replaced puts a value where keys and indices lead to.
func replaced(declared any, at []any, value any) any {
	if len(at) == 0 {
		return value
	}
	switch declared := declared.(type) {
	case map[string]any:
		name := at[0].(string)
		declared[name] = replaced(declared[name], at[1:], value)
	case []any:
		i := at[0].(int)
		declared[i] = replaced(declared[i], at[1:], value)
	}
	return declared
}
