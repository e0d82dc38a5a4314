package acusink

import (
	"context"
	"errors"
	"fmt"

	"millrace/internal/acumatica"
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
	if save := w.p.Save(context.WithoutCancel(ctx)); save != nil && !posting.Fenced(save) {
		return errors.Join(err, save) // the last renewal's stamp stands
	}
	return err
}

// holding runs one call while it keeps the posting held; a call that still
// waits for leave when the hold is lost is not sent. Each renewal is a sign of
// life: after a crash the settling delay counts from it. A hold that was lost
// meanwhile shows at the next Save; only a call that failed is returned as
// open, so that nobody concludes anything from its error.
func (w *work) holding(ctx context.Context, call func(context.Context) error) error {
	held, release := posting.Hold(ctx, w.p.Data().Until.Sub(w.sink.now()), func(ctx context.Context) error {
		w.p.Data().SentAt = w.sink.now().UTC()
		return w.p.Save(ctx)
	})
	defer func() { _ = release() }() // also when call panics
	err := call(held)
	if lost := release(); lost != nil && err != nil {
		return &lostError{lost: lost, call: err}
	}
	return err
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
