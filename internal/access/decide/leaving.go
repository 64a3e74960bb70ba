package decide

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// Before is what an earlier decision about an environment came to.
type Before struct {
	// At is when it was made.
	At time.Time
	// People who may have been let in since. Nil: it is not known.
	People []string
}

// Leaving are the people who are to be put out: who was let in, and is bound no more.
func Leaving(before Before, in Input, d *Decision) []v1alpha1.LeaverStatus {
	if d.Mode == "" {
		return nil
	}
	bound := make(map[string]bool, len(d.Plan.People))
	for i := range d.Plan.People {
		bound[d.Plan.People[i].Login] = true
	}
	var leaving []v1alpha1.LeaverStatus
	for _, login := range before.People {
		if !bound[login] {
			ended := EndedAt(in.Seen.Policies, in.Environment.Name, login, before.At, in.Now)
			leaving = append(leaving, v1alpha1.LeaverStatus{Name: login, AskedAt: metav1.NewTime(ended)})
		}
	}
	return leaving
}
