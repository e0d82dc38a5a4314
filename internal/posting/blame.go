package posting

import (
	"context"
	"fmt"

	"millrace/internal/fault"
)

// Blame returns cause, the failure of an attempt, unless it would park the lane
// while save says that another worker has the posting. What an overtaken worker
// is refused says nothing about the intent, which the other one may have
// finished: a lane is parked only by who holds the posting.
func Blame(ctx context.Context, save func(context.Context) error, cause error) error {
	if k := fault.KindOf(cause); k != fault.Rejected && k != fault.Invalid {
		return cause
	}
	if err := save(ctx); Fenced(err) {
		return fmt.Errorf("%w (meanwhile: %s)", err, cause.Error())
	}
	return cause
}
