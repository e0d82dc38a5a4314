package calls

import "context"

type yieldKey struct{}

// Yield marks requests that can wait, such as those of a poller: all others go
// first, up to a point.
func Yield(ctx context.Context) context.Context { return context.WithValue(ctx, yieldKey{}, true) }

// Insist takes the mark of Yield off: others wait for what is done now.
func Insist(ctx context.Context) context.Context { return context.WithValue(ctx, yieldKey{}, false) }

// Yields tells whether the requests of ctx can wait.
func Yields(ctx context.Context) bool {
	yields, _ := ctx.Value(yieldKey{}).(bool)
	return yields
}
