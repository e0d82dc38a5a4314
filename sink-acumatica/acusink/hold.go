package acusink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/posting"
)

// writing runs one call that may change something in Acumatica, and keeps the
// posting held meanwhile. When the call leaves open what it did, the settling
// delay counts from the end of the call, not from its begin: the request may
// have waited for a long time before it was sent.
func (w *work) writing(ctx context.Context, call func(context.Context) error) error {
	err := w.holding(ctx, call)
	if !open(err) {
		return err
	}
	w.p.Data().SentAt = w.sink.now().UTC()
	// The doubt outlives a caller that has given up.
	if save := w.p.Save(context.WithoutCancel(ctx)); save != nil && !fenced(save) {
		return errors.Join(err, save) // the last renewal's stamp stands
	}
	return err
}

// holding runs one call while it keeps the posting held. A hold that was lost
// meanwhile shows at the next Save; only a call that failed is returned as
// open, so that nobody concludes anything from its error.
func (w *work) holding(ctx context.Context, call func(context.Context) error) error {
	done := make(chan struct{})
	kept := make(chan error, 1)
	go func() { kept <- w.keepHold(ctx, done) }()
	err := call(ctx)
	close(done)
	if lost := <-kept; lost != nil && err != nil {
		return &lostError{lost: lost, call: err}
	}
	return err
}

// keepHold renews until done is closed or another worker has the posting. Each
// renewal is a sign of life: after a crash the settling delay counts from it.
// A renewal that failed otherwise is made good by the next.
func (w *work) keepHold(ctx context.Context, done <-chan struct{}) error {
	tick := time.NewTicker(posting.RenewEvery)
	defer tick.Stop()
	var lost error
	for {
		select {
		case <-done:
			return lost
		case <-tick.C:
			w.p.Data().SentAt = w.sink.now().UTC()
			if lost = w.p.Save(ctx); fenced(lost) {
				return lost
			}
		}
	}
}

// fenced reports that another worker has taken the posting.
func fenced(err error) bool { return err != nil && fault.Of(err).Code == "posting.fenced" }

// lostError is a failed call during which the hold could not be prolonged.
type lostError struct{ lost, call error }

func (e *lostError) Error() string { return fmt.Sprintf("%v (meanwhile: %v)", e.lost, e.call) }
func (e *lostError) Unwrap() error { return e.lost }

// open reports that the call behind err may have been executed.
func open(err error) bool {
	_, lost := errors.AsType[*lostError](err)
	return lost || acumatica.Uncertain(err)
}
