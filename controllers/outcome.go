package controllers

import (
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
)

// conclude turns what a pass came to into what controller-runtime does next. It is the only place that does: a wait is looked at
// again when it says or when a watch calls, an invalid declaration when it is edited, and everything else with back-off.
func conclude(err error) (ctrl.Result, error) {
	var result ctrl.Result
	var terminal, transient error
	for _, e := range flatten(err) {
		if w, ok := outcome.AsWaiting(e); ok {
			if w.After > 0 {
				result = sooner(result, w.After)
			}
		} else if _, ok := outcome.AsInvalid(e); ok {
			terminal = reconcile.TerminalError(e)
		} else if apierrors.IsConflict(e) {
			result = sooner(result, conflictDelay)
		} else if !errors.Is(e, status.ErrNotReached) {
			transient = errors.Join(transient, e)
		}
	}
	switch {
	case transient != nil:
		return ctrl.Result{}, transient
	case result.RequeueAfter > 0:
		return result, nil
	}
	return ctrl.Result{}, terminal
}

// conflictDelay lets the cache see the version that was written meanwhile.
const conflictDelay = 200 * time.Millisecond

// flatten takes joined errors apart: each has an outcome of its own.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// longestWait is how long nothing is looked at at most. Waits are measured by the monotonic clock, and until when by a clock that may have
// been set meanwhile.
const longestWait = time.Hour

func sooner(r ctrl.Result, after time.Duration) ctrl.Result {
	after = min(after, longestWait)
	if r.RequeueAfter == 0 || after < r.RequeueAfter {
		r.RequeueAfter = after
	}
	return r
}
