package apply

import (
	"fmt"
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/utils/lru"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// maxAnswers bounds the memory for objects that the API server keeps otherwise than declared. Each that does not fit costs one
// request that changes nothing per pass.
const maxAnswers = 8192

// serverFilled are fields that are compared by the hash of the declaration alone: atomic lists whose items the API server fills with
// defaults, and which it does not let anybody edit once the object exists.
var serverFilled = map[schema.GroupKind]*fieldpath.Set{
	{Group: appsv1.GroupName, Kind: "StatefulSet"}: fieldpath.NewSet(fieldpath.MakePathOrDie("spec", "volumeClaimTemplates")),
}

// comparer tells whether every declared field holds in a live object, by the merge rules of the API's own schema: items of
// associative lists are matched by key, atomic lists are compared whole, and what others added elsewhere does not count.
// Kinds that are not built in have no schema here; their lists count as atomic.
type comparer struct {
	scheme  *runtime.Scheme
	builtIn managedfields.TypeConverter
	deduced managedfields.TypeConverter
	// answers remembers by Ref what the API server made of a declaration that it did not keep as it was.
	answers *lru.Cache
}

type answer struct {
	hash   string
	object runtime.Object
}

func newComparer(scheme *runtime.Scheme) *comparer {
	return &comparer{
		scheme:  scheme,
		builtIn: applyconfigurations.NewTypeConverter(scheme),
		deduced: managedfields.NewDeducedTypeConverter(),
		answers: lru.New(maxAnswers),
	}
}

// holds tells whether nothing of the declaration needs to be written to live, whose kind must be set.
func (c *comparer) holds(d *declaration, live runtime.Object) (bool, error) {
	remembered, ok := c.answers.Get(d.ref)
	if ok && remembered.(answer).hash == d.hash {
		return c.agree(d, live, func() (runtime.Object, error) { return remembered.(answer).object, nil })
	}
	return c.matches(d, live)
}

// settle compares a declaration with what the API server made of it. A difference, such as a default inside an atomic list or
// the work of an admission webhook, is remembered as the state to keep, because writing the same again could not change it.
func (c *comparer) settle(d *declaration, answered *unstructured.Unstructured) (asDeclared bool, err error) {
	c.answers.Remove(d.ref)
	answered.SetManagedFields(nil) // They are of no use here, and larger than the rest.
	content, err := d.content()
	if err != nil {
		return false, err
	}
	if literally(content.Object, answered.Object) {
		return true, nil
	}
	object, err := c.decode(d, answered)
	if err != nil {
		return false, err
	}
	matches, err := c.matches(d, object)
	if err != nil || matches {
		return matches, err
	}
	c.answers.Add(d.ref, answer{hash: d.hash, object: object})
	return false, nil
}

// literally tells whether what is declared is in the answer as it was sent, which spares most objects a comparison by schema. The object
// and its parts such as metadata and spec are merged in every kind, so others may have added fields there; what is deeper must be
// the same.
func literally(declared, answered map[string]any) bool {
	for part, want := range declared {
		fields, isPart := want.(map[string]any)
		have, isPartToo := answered[part].(map[string]any)
		if !isPart || !isPartToo {
			if !reflect.DeepEqual(want, answered[part]) {
				return false
			}
			continue
		}
		for name, value := range fields {
			if !reflect.DeepEqual(value, have[name]) {
				return false
			}
		}
	}
	return true
}

// matches excuses differences of spelling: a declaration that went through its Go type is spelled as the API server does. Where
// the type cannot tell false, zero or an empty string from unset, they are dropped, and a quantity has only one spelling.
func (c *comparer) matches(d *declaration, live runtime.Object) (bool, error) {
	content, err := d.content()
	if err != nil {
		return false, err
	}
	if fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(live); err == nil && literally(content.Object, fields) {
		return true, nil
	}
	return c.agree(d, live, func() (runtime.Object, error) { return c.decode(d, content) })
}

// agree tells whether live has every declared field as declared, or else as another accepted form of the declaration has it.
func (c *comparer) agree(d *declaration, live runtime.Object, accepted func() (runtime.Object, error)) (bool, error) {
	content, err := d.content()
	if err != nil {
		return false, err
	}
	difference, err := c.difference(d, content, live)
	if err != nil {
		return false, err
	}
	open := difference.Modified.Union(difference.Removed)
	if open.Empty() {
		return true, nil
	}
	form, err := accepted()
	if err != nil {
		return false, err
	}
	difference, err = c.difference(d, form, live)
	if err != nil {
		return false, err
	}
	// Added counts too: a field that the accepted form leaves unset must be unset.
	other := difference.Modified.Union(difference.Removed).Union(difference.Added)
	return open.Intersection(other).Empty(), nil
}

// difference goes from an object to the live one. Duplicates are let through: the API server admits them in some lists.
func (c *comparer) difference(d *declaration, from, live runtime.Object) (*typed.Comparison, error) {
	converter := c.builtIn
	expected, err := converter.ObjectToTyped(from, typed.AllowDuplicates)
	if err != nil {
		converter = c.deduced
		expected, err = converter.ObjectToTyped(from, typed.AllowDuplicates)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: declared: %w", d.ref, err)
	}
	observed, err := converter.ObjectToTyped(live, typed.AllowDuplicates)
	if err != nil {
		return nil, fmt.Errorf("%s: live: %w", d.ref, err)
	}
	difference, err := expected.Compare(observed)
	if err != nil {
		return nil, fmt.Errorf("comparing %s: %w", d.ref, err)
	}
	return difference.ExcludeFields(serverFilled[d.gvk.GroupKind()]), nil
}

// decode gives content its Go type, so that it reads like an object of the cache; kinds without one stay as they are.
func (c *comparer) decode(d *declaration, content *unstructured.Unstructured) (runtime.Object, error) {
	if !c.scheme.Recognizes(d.gvk) {
		return content, nil
	}
	object, err := c.scheme.New(d.gvk)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content.Object, object); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", d.ref, err)
	}
	return object, nil
}
