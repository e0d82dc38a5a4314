package acusink

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"millrace/internal/calls"
)

// listing is a Doubts that only tells who asks.
type listing func(ctx context.Context)

func (listing) Add(context.Context, Doubt) error    { return nil }
func (listing) Remove(context.Context, Doubt) error { return nil }
func (l listing) List(ctx context.Context, _ string) ([]Doubt, error) {
	l(ctx)
	return nil, nil
}

func TestPostingsGoBeforeDoubts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		asked, yields := 0, false
		s := New(Options{Doubts: listing(func(ctx context.Context) {
			asked++
			yields = calls.Yields(ctx)
			cancel()
		})})
		s.Watch(ctx, "default", slog.New(slog.DiscardHandler))
		if asked != 1 || !yields {
			t.Errorf("asked %d times, its requests yield: %t", asked, yields)
		}
	})
}
