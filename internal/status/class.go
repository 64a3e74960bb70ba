package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Class folds the check of a class, and what the CRMs of its environments were found not to have, into its new status.
func Class(class *v1alpha1.CRMClass, invalid error, environments []v1alpha1.CRMEnvironment, now metav1.Time) v1alpha1.CRMClassStatus {
	s := class.Status.DeepCopy()
	s.ObservedGeneration = class.Generation
	w := writer{conditions: &s.Conditions, generation: class.Generation, now: now}
	if slices.ContainsFunc(environments, lookedAt) {
		w.set(condition{kind: v1alpha1.ConditionCatalogueMatches, err: mismatch(Lacking(class, environments))})
	} else {
		meta.RemoveStatusCondition(&s.Conditions, v1alpha1.ConditionCatalogueMatches)
	}
	w.ready(invalid, v1alpha1.ReasonSucceeded)
	return *s
}

// lookedAt tells whether the CRM of an environment was asked for the names of its class.
func lookedAt(env v1alpha1.CRMEnvironment) bool {
	return env.Status.Access != nil && env.Status.Access.Catalogue != ""
}

// Lack is an environment whose CRM does not have what its class's objects name.
type Lack struct {
	// Environment is "<namespace>/<name>". Whoever may read classes must not learn of other tenants, so it is never in a class's status.
	Environment string
	// Version of the product there.
	Version string
	// Names that the CRM does not have.
	Names []string
}

func (l Lack) String() string {
	return fmt.Sprintf("%s (%s) lacks %s", l.Environment, l.Version, some(l.Names, shownNames))
}

// shownNames of a catalogue, in messages.
const shownNames = 10

// Lacking lists the environments whose CRMs do not have what the class names as it is now, sorted. A CRM that does not run may have been
// asked for names that the class does not name any more.
func Lacking(class *v1alpha1.CRMClass, environments []v1alpha1.CRMEnvironment) []Lack {
	named := nativeNames(class)
	var all []Lack
	for i := range environments {
		env := &environments[i]
		if !lookedAt(*env) {
			continue
		}
		lack := Lack{Environment: env.Namespace + "/" + env.Name, Version: env.Status.Version}
		for _, name := range env.Status.Access.UnknownNames {
			if named[name] {
				lack.Names = append(lack.Names, name)
			}
		}
		if len(lack.Names) > 0 {
			all = append(all, lack)
		}
	}
	slices.SortFunc(all, func(a, b Lack) int { return strings.Compare(a.Environment, b.Environment) })
	return all
}

// nativeNames are the models of a class's catalogue, and their fields as "<model>.<field>".
func nativeNames(class *v1alpha1.CRMClass) map[string]bool {
	names := make(map[string]bool)
	for _, model := range compile.Compile(compile.Input{Class: class}).Plan().Models {
		names[model.Name] = true
		for _, field := range slices.Concat(model.Fields, []string{model.OwnerField, model.TeamField}) {
			names[model.Name+"."+field] = true
		}
	}
	return names
}

func mismatch(lacking []Lack) error {
	if len(lacking) == 0 {
		return nil
	}
	names := make(map[string]bool)
	for _, lack := range lacking {
		for _, name := range lack.Names {
			names[name] = true
		}
	}
	return outcome.Wait(v1alpha1.ReasonCatalogueMismatch, 0,
		"spec.objects: the CRMs of %s do not have %s; correct the names, or have the modules installed that have them. "+
			"The class's events, and the condition RolesEnforced of the environments, tell where",
		counted(len(lacking), "environment", "environments"), some(slices.Sorted(maps.Keys(names)), shownNames))
}
