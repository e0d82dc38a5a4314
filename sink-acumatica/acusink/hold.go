package acusink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"millrace/internal/acumatica"
)

// holdEvery prolongs the hold on the posting while a call to Acumatica takes
// long; well below the time after which another worker may take it.
const holdEvery = 5 * time.Second

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

func (w *work) keepHold(ctx context.Context, done <-chan struct{}) error {
	tick := time.NewTicker(holdEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-tick.C:
			if err := w.p.Save(ctx); err != nil {
				return err
			}
		}
	}
}

// lostError is a failed call during which the hold could not be prolonged.
type lostError struct{ lost, call error }

func (e *lostError) Error() string { return fmt.Sprintf("%v (meanwhile: %v)", e.lost, e.call) }
func (e *lostError) Unwrap() error { return e.lost }

// open reports that the call behind err may have been executed.
func open(err error) bool {
	_, lost := errors.AsType[*lostError](err)
	return lost || acumatica.Uncertain(err)
}
