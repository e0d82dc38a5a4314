// Package calls is what a context says about the API calls that are made under
// it: how many there were, so that outcomes and the demo can show what handling
// one message costs, and whether they can wait for others. The API clients add
// to the count.
package calls

import (
	"context"
	"sync/atomic"
)

// Counter counts calls by system. The zero value is ready; safe for
// concurrent use.
type Counter struct {
	AcumaticaCalls atomic.Int64 // every request but sign-in and sign-out
	StripeReads    atomic.Int64 // GET
	StripeWrites   atomic.Int64 // POST, DELETE
}

type key struct{}

// With returns a context whose API calls are counted in the counter.
func With(ctx context.Context) (context.Context, *Counter) {
	c := &Counter{}
	return context.WithValue(ctx, key{}, c), c
}

// From returns the counter of ctx, or one that nobody reads.
func From(ctx context.Context) *Counter {
	if c, ok := ctx.Value(key{}).(*Counter); ok {
		return c
	}
	return &Counter{}
}
