package status

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// addLeaving puts those who are to be put out before those who were. Who is bound again is no leaver any more.
func addLeaving(known, leaving []v1alpha1.LeaverStatus, people []access.Person) []v1alpha1.LeaverStatus {
	bound := make(map[string]bool, len(people))
	for i := range people {
		bound[people[i].Login] = true
	}
	kept := slices.DeleteFunc(slices.Clone(known), func(l v1alpha1.LeaverStatus) bool { return l.DoneAt == nil && bound[l.Name] })
	var added []v1alpha1.LeaverStatus
	for _, l := range leaving {
		if !slices.ContainsFunc(kept, func(k v1alpha1.LeaverStatus) bool { return k.Name == l.Name && k.DoneAt == nil }) {
			added = append(added, l)
		}
	}
	return newest(append(added, kept...))
}

// setOut notes who is out.
func setOut(known, out []v1alpha1.LeaverStatus) []v1alpha1.LeaverStatus {
	list := slices.Clone(known)
	var added []v1alpha1.LeaverStatus
	for _, l := range out {
		i := slices.IndexFunc(list, func(k v1alpha1.LeaverStatus) bool { return k.Name == l.Name && k.DoneAt == nil })
		if i < 0 {
			added = append(added, l)
			continue
		}
		list[i] = l
	}
	return newest(append(added, list...))
}

func newest(list []v1alpha1.LeaverStatus) []v1alpha1.LeaverStatus {
	return list[:min(len(list), mostLeavers)]
}

// Out lists who is out after a call of the adapter: whom it has put out, and, after one that did all there was to do, everybody who was to
// leave; somebody who is out already is put out by nobody. AskedAt of those whom nobody had listed is when the plan was asked for.
// Whoever had come back without anybody's asking, such as with a backup, is no leaver.
func Out(a *v1alpha1.AccessStatus, r *access.Report, complete bool, now metav1.Time) []v1alpha1.LeaverStatus {
	at := make(map[string]metav1.Time, len(r.Left))
	for _, l := range r.Left {
		at[l.Login] = metav1.NewTime(l.At)
	}
	var out []v1alpha1.LeaverStatus
	for _, l := range a.Leavers {
		left, ok := at[l.Name]
		if l.DoneAt != nil || !ok && !complete {
			continue
		}
		if !ok {
			left = now
		}
		delete(at, l.Name)
		l.DoneAt = &left
		out = append(out, l)
	}
	if a.EnforcedAt != nil {
		return out
	}
	for _, l := range r.Left {
		if left, ok := at[l.Login]; ok {
			asked := now
			if a.AskedAt != nil {
				asked = *a.AskedAt
			}
			out = append(out, v1alpha1.LeaverStatus{Name: shorten(l.Login, longestLogin), AskedAt: asked, DoneAt: &left})
		}
	}
	return out
}
