package controllers

import (
	"sync"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// shares counts the places that are taken, by whose they are.
type shares struct {
	mu    sync.Mutex
	taken map[string]int
}

// placesOfTheSilent are those of all CRMs that did not answer last. No home namespace has such a name.
const placesOfTheSilent = ""

// placesOf are the shares that a pass over an environment takes a place of: its tenant's, and that of the silent while it is one of them.
func placesOf(env *v1alpha1.CRMEnvironment) []string {
	places := []string{env.Namespace}
	if a := env.Status.Access; a != nil && a.Failure != nil && a.Failure.Reason == v1alpha1.ReasonCRMUnreachable {
		places = append(places, placesOfTheSilent)
	}
	return places
}

// take tells whether each of the shares has a place left, and takes one of each then.
func (s *shares) take(of ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, share := range of {
		if s.taken[share] >= accessShare {
			return false
		}
	}
	if s.taken == nil {
		s.taken = make(map[string]int)
	}
	for _, share := range of {
		s.taken[share]++
	}
	return true
}

// give the places back.
func (s *shares) give(of ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, share := range of {
		if s.taken[share]--; s.taken[share] == 0 {
			delete(s.taken, share)
		}
	}
}
