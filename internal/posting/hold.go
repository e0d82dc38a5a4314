package posting

import (
	"context"
	"sync"
	"time"

	"millrace/internal/fault"
	"millrace/internal/fence"
)

// Hold keeps a posting held while its holder works for long: renew, which must
// store it, is called every RenewEvery until release, or until another worker
// has the posting. left is what remains of the hold now. Requests under the
// context that is returned are not sent any more when the hold is over
// (package fence). release must be called; it says why the last renewal failed,
// if it did: one that failed otherwise than fenced is made good by the next.
func Hold(ctx context.Context, left time.Duration, renew func(context.Context) error) (held context.Context, release func() error) {
	held, f := fence.With(ctx, fault.Newf("posting.fenced", "the hold is over"))
	f.Until(time.Now().Add(left))
	done, lost := make(chan struct{}), make(chan error, 1)
	go func() { lost <- keepHold(ctx, f, done, renew) }()
	return held, sync.OnceValue(func() error {
		close(done)
		defer f.Cut()
		return <-lost
	})
}

func keepHold(ctx context.Context, f *fence.Fence, done <-chan struct{}, renew func(context.Context) error) (lost error) {
	tick := time.NewTicker(RenewEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return lost
		case <-tick.C:
		}
		begun := time.Now()
		switch lost = renew(ctx); {
		case lost == nil:
			f.Until(begun.Add(HoldFor))
		case Fenced(lost):
			f.Cut()
			return lost
		}
	}
}

// Fenced says that another worker has taken the posting.
func Fenced(err error) bool { return err != nil && fault.Of(err).Code == "posting.fenced" }
