package access

import "errors"

// ErrUnreachable is in the chain of an adapter's error when no answer of the CRM's came back. Any other error is an answer, or something that
// the adapter makes of one.
var ErrUnreachable = errors.New("the CRM does not answer")
