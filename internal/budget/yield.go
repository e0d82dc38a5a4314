package budget

import "context"

type yieldKey struct{}

// Yield marks requests that can wait, such as those of a poller: all others go
// first, up to a point.
func Yield(ctx context.Context) context.Context { return context.WithValue(ctx, yieldKey{}, true) }

func classOf(ctx context.Context) class {
	if ctx.Value(yieldKey{}) != nil {
		return polling
	}
	return posting
}
