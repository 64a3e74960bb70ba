package apply

import "errors"

// Verb is what a write did.
type Verb string

// The verbs of a Write.
const (
	VerbCreate Verb = "create"
	VerbUpdate Verb = "update"
	VerbDelete Verb = "delete"
)

// Write is one write that the API server accepted.
type Write struct {
	Verb Verb
	Ref  Ref
}

// Result says what a call of Apply did. It is complete also when the call returns an error.
type Result struct {
	// Unchanged counts the objects that were as declared and so cost no write.
	Unchanged int
	// Writes lists what was written, in the order of the declarations within each phase.
	Writes []Write
	// Overruled lists the objects of which the API server, or an admission webhook, keeps other values than declared. They are
	// accepted as they came back and not written again until the declaration or the object changes.
	Overruled []Ref
}

// Count tells how many writes had the verb.
func (r Result) Count(verb Verb) int {
	n := 0
	for _, w := range r.Writes {
		if w.Verb == verb {
			n++
		}
	}
	return n
}

// report is what became of one object. Without verb and error it was as declared.
type report struct {
	verb      Verb
	overruled bool
	err       error
}

func (r *Result) add(declarations []*declaration, reports []report) error {
	var errs []error
	for i, report := range reports {
		ref := declarations[i].ref
		switch {
		case report.verb != "":
			r.Writes = append(r.Writes, Write{Verb: report.verb, Ref: ref})
		case report.err == nil:
			r.Unchanged++
		}
		if report.overruled {
			r.Overruled = append(r.Overruled, ref)
		}
		errs = append(errs, report.err)
	}
	return errors.Join(errs...)
}
