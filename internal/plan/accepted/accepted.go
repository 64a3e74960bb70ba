// Package accepted keeps the declaration that was let in last beside what was made of it. While a later one is refused, or its class is
// broken or gone, the environment is kept up as it was. It is pure.
package accepted

import (
	"encoding/json"
	"fmt"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// Fields of the record. The class is apart because environments share it.
const (
	ClassField       = "class"
	environmentField = "environment"
	uidField         = "uid"
)

// maxBytes leaves the record room within what the API server takes of a ConfigMap, 1 MiB.
const maxBytes = 1_000_000

// Record plans the ConfigMap with what a target was resolved from. The error says that it does not fit.
func Record(t *target.Target) (object.Object, error) {
	nameless := t.Class
	nameless.DisplayName = "" // Nothing is made of it, so a change of it is none of what was let in.
	environment, class := encode(lasting(t.Declared)), encode(nameless)
	if size := len(environment) + len(class); size > maxBytes {
		return object.Object{}, fmt.Errorf("CRMClass %q and the environment have %d bytes together, and may have %d; shorten the class's templates",
			t.ClassName, size, maxBytes)
	}
	return object.Object{Configuration: corev1ac.ConfigMap(naming.AcceptedRecord, t.Namespace).
		WithLabels(object.Labels(t.Tenant, t.Environment)).
		WithData(map[string]string{uidField: string(t.UID), environmentField: environment, ClassField: class})}, nil
}

// lasting leaves out what is obeyed of a refused declaration too, and what only says that it was let in.
func lasting(spec v1alpha1.CRMEnvironmentSpec) v1alpha1.CRMEnvironmentSpec {
	spec.State, spec.Approval = "", nil
	return spec
}

// Restore gives an environment and its class as they were let in last, by the record's data. What is wanted of its state is as declared
// now: a person who is to be kept out does not wait for somebody to mend the rest. It is false when the record is none of this very object.
func Restore(env *v1alpha1.CRMEnvironment, record map[string]string) (*v1alpha1.CRMEnvironment, *v1alpha1.CRMClass, bool) {
	if env.UID == "" || record[uidField] != string(env.UID) {
		return nil, nil, false
	}
	class := &v1alpha1.CRMClass{}
	class.Name = env.Spec.ClassRef.Name
	before := env.DeepCopy()
	before.Spec = v1alpha1.CRMEnvironmentSpec{}
	if json.Unmarshal([]byte(record[environmentField]), &before.Spec) != nil || json.Unmarshal([]byte(record[ClassField]), &class.Spec) != nil {
		return nil, nil, false
	}
	before.Spec.State = env.Spec.State
	return before, class, true
}

// Is tells whether the record is of what an environment declares, whatever its state.
func Is(env *v1alpha1.CRMEnvironment, record map[string]string) bool {
	return env.UID != "" && record[uidField] == string(env.UID) && record[environmentField] == encode(lasting(env.Spec))
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // Plain values: cannot happen.
	}
	return string(text)
}
