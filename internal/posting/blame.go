package posting

import (
	"context"
	"fmt"

	"millrace/internal/fault"
)

// Blame lets go of a posting whose attempt has failed, and returns cause, unless
// another worker has the posting: release says so, or save, which is asked when
// cause would park the lane. What an overtaken worker
// is refused says nothing about the intent, which the other one may have
// finished: a lane is parked only by who holds the posting.
func Blame(ctx context.Context, release func() error, save func(context.Context) error, cause error) error {
	if lost := release(); Fenced(lost) {
		return fmt.Errorf("%w (meanwhile: %s)", lost, cause.Error())
	}
	if k := fault.KindOf(cause); k != fault.Rejected && k != fault.Invalid {
		return cause
	}
	if err := save(ctx); Fenced(err) {
		return fmt.Errorf("%w (meanwhile: %s)", err, cause.Error())
	}
	return cause
}
