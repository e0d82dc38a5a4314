// Package fence ends the waiting of a worker that was overtaken. Who holds
// something for a while, such as a message or a posting, puts a fence into the
// context of its work; a request that still waits for leave when the fence is
// down is not sent any more. One that was sent goes on to its answer.
package fence

import (
	"context"
	"sync/atomic"
	"time"
)

// Fence says for how long work may still send requests. Safe for concurrent
// use.
type Fence struct {
	outer *Fence // nil: none
	over  error
	cut   context.CancelCauseFunc
	until atomic.Pointer[time.Time] // nil: no end is set
}

type (
	fenceKey struct{} // in the context of the work: the context that ends with its fences
	innerKey struct{} // in that one: the innermost Fence
)

// With puts a fence around the work of ctx, inside those that are there. over
// is what a request is refused with when it is down. Cut must be called at the
// end of the work.
func With(ctx context.Context, over error) (context.Context, *Fence) {
	around := of(ctx)
	outer, _ := around.Value(innerKey{}).(*Fence)
	f := &Fence{outer: outer, over: over}
	around, f.cut = context.WithCancelCause(context.WithValue(around, innerKey{}, f))
	return context.WithValue(ctx, fenceKey{}, around), f
}

// Cut takes the fence down, for good.
func (f *Fence) Cut() { f.cut(f.over) }

// Until takes the fence down at t, unless another call prolongs it. Nothing
// that waits is told; Err is asked before a request is sent.
func (f *Fence) Until(t time.Time) { f.until.Store(&t) }

// Down is closed when a fence of ctx was cut.
func Down(ctx context.Context) <-chan struct{} { return of(ctx).Done() }

// Err is why nothing more may be sent; nil when it may, as without a fence.
func Err(ctx context.Context) error {
	around := of(ctx)
	if around.Err() != nil {
		return context.Cause(around)
	}
	for f, _ := around.Value(innerKey{}).(*Fence); f != nil; f = f.outer {
		if t := f.until.Load(); t != nil && time.Now().After(*t) {
			return f.over
		}
	}
	return nil
}

func of(ctx context.Context) context.Context {
	if around, ok := ctx.Value(fenceKey{}).(context.Context); ok {
		return around
	}
	return context.Background()
}

// Outside returns ctx without its fences, for what an overtaken worker must
// still clean up behind itself.
func Outside(ctx context.Context) context.Context {
	return context.WithValue(ctx, fenceKey{}, context.Background())
}
