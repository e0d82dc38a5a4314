package budget

import (
	"context"

	"millrace/internal/calls"
)

// Yield marks requests that can wait, such as those of a poller: all others go
// first, up to a point.
func Yield(ctx context.Context) context.Context { return calls.Yield(ctx) }

func classOf(ctx context.Context) class {
	if calls.Yields(ctx) {
		return polling
	}
	return posting
}
